import type { ToServer } from '@holdfast/protocol/runner.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import { fitMessage } from '@holdfast/runner/fit-message.ts';
import { createPreviews } from '@holdfast/runner/previews.ts';
import { expect, it } from 'vitest';

const preview = (offset: number, text: string): Preview => ({ blockId: 'b', turnId: 't', kind: 'text', offset, text });

it('LINK13: unfinished text is left out while the link is full, and comes whole when it is not any more', () => {
  const sent: string[] = [];
  let buffered = 0;
  const written: Record<string, string> = {};
  const previews = createPreviews({
    send: (sessionId, { offset, text }) => void sent.push(`${sessionId} ${offset} ${text}`),
    whole: (sessionId) => [preview(0, written[sessionId] ?? '')],
    bufferedBytes: () => buffered,
  });
  const write = (sessionId: string, text: string): void => {
    const offset = (written[sessionId] ?? '').length;
    written[sessionId] = (written[sessionId] ?? '') + text;
    previews.add(sessionId, preview(offset, text));
  };
  write('s', 'one ');
  buffered = 2 * 1024 * 1024;
  write('s', 'two ');
  write('s', 'three ');
  buffered = 0;
  write('other', 'x');
  write('s', 'four ');
  write('s', 'five');
  expect(sent).toEqual(['s 0 one ', 'other 0 x', 's 0 one two three four ', 's 19 five']);
  buffered = 2 * 1024 * 1024;
  write('s', ' six');
  buffered = 0;
  previews.forget();
  write('s', ' seven');
  expect(sent.at(-1)).toBe('s 27  seven');
});

it('LINK13: a report too large goes without its screen, an answer says so, the rest has nothing to leave out', () => {
  const report = { sessionId: 's', source: 'out:p', position: 1, facts: [] };
  const screen = { offset: 0, cols: 1, rows: 1, ansi: 'x', text: 'x' };
  expect(fitMessage({ type: 'report', report: { ...report, screen } })).toEqual({ type: 'report', report });
  expect(fitMessage({ type: 'report', report })).toBeNull();
  const answer: ToServer = { type: 'answer', requestId: 'q', result: { ok: true, value: 'x'.repeat(100) } };
  expect(fitMessage(answer)).toMatchObject({ requestId: 'q', result: { error: { kind: 'payload_too_large' } } });
});
