import { type ErrorBody, type Result, fail, ok } from '@holdfast/protocol/error.ts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Deletions, undoMs } from '#lib/state/deletions.ts';

let sent: [id: string, keepalive: boolean][];
let failures: [id: string, error: ErrorBody][];
let answer: Result<null>;
let deletions: Deletions;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  failures = [];
  answer = ok(null);
  deletions = new Deletions({
    send: (id, keepalive) => {
      sent.push([id, keepalive]);
      return Promise.resolve(answer);
    },
    failed: (id, error) => failures.push([id, error]),
  });
});
afterEach(() => {
  vi.useRealTimers();
});

it('KEEP7: nothing is sent before the time to undo is over; then once', async () => {
  deletions.begin('s1');
  deletions.begin('s1');
  await vi.advanceTimersByTimeAsync(undoMs - 1);
  expect([sent, deletions.has('s1')]).toEqual([[], true]);
  await vi.advanceTimersByTimeAsync(1);
  expect([sent, deletions.has('s1')]).toEqual([[['s1', false]], false]);
  await vi.advanceTimersByTimeAsync(10 * undoMs);
  expect(sent).toHaveLength(1);
});

it('KEEP7: what was taken back is never sent, also not when the page is left', async () => {
  deletions.begin('s1');
  deletions.begin('s2');
  deletions.undo('s1');
  expect(deletions.has('s1')).toBe(false);
  await deletions.sendAll(true);
  expect(sent).toEqual([['s2', true]]);
  await vi.advanceTimersByTimeAsync(10 * undoMs);
  expect(sent).toHaveLength(1);
});

it('KEEP7: what has been sent can no longer be taken back', async () => {
  deletions.begin('s1');
  const left = deletions.sendAll(true);
  deletions.undo('s1');
  expect(deletions.has('s1')).toBe(true);
  await left;
  expect(sent).toEqual([['s1', true]]);
});

it('KEEP7: what could not be deleted is there again, with the reason; what was gone already is gone', async () => {
  answer = fail('runner_offline', 'the machine is away');
  deletions.begin('s1');
  await vi.advanceTimersByTimeAsync(undoMs);
  expect(deletions.has('s1')).toBe(false);
  expect(failures).toEqual([['s1', answer.ok ? null : answer.error]]);
  answer = fail('not_found', 'no such session');
  deletions.begin('s2');
  await vi.advanceTimersByTimeAsync(undoMs);
  expect(failures).toHaveLength(1);
});
