import type { Fact } from '@holdfast/protocol/fact.ts';
import { expect } from 'vitest';

/** Every seq once and in order, every turn ended once and in the order they began, every block and tool call once. */
export function expectSoundLog(log: readonly Fact[]): void {
  expect(log.map((fact) => fact.seq)).toEqual(log.map((_, index) => index + 1));
  expectOnce(log.flatMap((fact) => (fact.type === 'message.assistant' ? [fact.data.blockId] : [])));
  expectOnce(log.flatMap((fact) => (fact.type === 'message.user' ? [fact.data.messageId] : [])));
  expectOnce(log.flatMap((fact) => (fact.type === 'tool.started' ? [fact.data.toolCallId] : [])));
  expectOnce(log.flatMap((fact) => (fact.type === 'tool.finished' ? [fact.data.toolCallId] : [])));
  const started = log.flatMap((fact) => (fact.type === 'turn.started' ? [fact.data.turnId] : []));
  const ended = log.flatMap((fact) =>
    fact.type === 'turn.ended' || (fact.type === 'turn.interrupted' && fact.data.reason !== 'discarded')
      ? [fact.data.turnId]
      : [],
  );
  expectOnce(started);
  expect(ended).toEqual(started);
}

function expectOnce(ids: readonly string[]): void {
  expect(ids).toEqual([...new Set(ids)]);
}
