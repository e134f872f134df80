import type { Fact } from '@holdfast/protocol/fact.ts';
import { expect } from 'vitest';

/**
 * Every seq once and in order, every block and tool call once; turns end once and in the order in which they were
 * dispatched, and none runs that was not. One whose agent died before it took the prompt ends without having run. Those
 * that an agent began by itself end, too.
 */
export function expectSoundLog(log: readonly Fact[]): void {
  expect(log.map((fact) => fact.seq)).toEqual(log.map((_, index) => index + 1));
  expectOnce(log.flatMap((fact) => (fact.type === 'message.assistant' ? [fact.data.blockId] : [])));
  expectOnce(log.flatMap((fact) => (fact.type === 'message.user' ? [fact.data.messageId] : [])));
  expectOnce(log.flatMap((fact) => (fact.type === 'tool.started' ? [fact.data.toolCallId] : [])));
  expectOnce(log.flatMap((fact) => (fact.type === 'tool.finished' ? [fact.data.toolCallId] : [])));
  const dispatched = log.flatMap((fact) => {
    const turnId =
      fact.type === 'message.user' ? fact.data.turnId : fact.type === 'queue.changed' ? fact.data.taken?.turnId : null;
    return turnId == null ? [] : [turnId];
  });
  const starts = log.flatMap((fact) => (fact.type === 'turn.started' ? [fact.data] : []));
  const own = starts.filter(({ cause }) => cause !== undefined).map(({ turnId }) => turnId);
  const started = starts.map(({ turnId }) => turnId).filter((turnId) => !own.includes(turnId));
  const ended = log.flatMap((fact) =>
    fact.type === 'turn.ended' || (fact.type === 'turn.interrupted' && fact.data.reason !== 'discarded')
      ? [fact.data.turnId]
      : [],
  );
  expectOnce(dispatched);
  expectOnce(started);
  expectOnce(ended);
  expect(ended.filter((turnId) => own.includes(turnId))).toEqual(own);
  expect(ended.filter((turnId) => !own.includes(turnId))).toEqual(dispatched);
  expect(started).toEqual(dispatched.filter((turnId) => started.includes(turnId)));
}

function expectOnce(ids: readonly string[]): void {
  expect(ids).toEqual([...new Set(ids)]);
}
