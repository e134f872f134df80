import { type ErrorBody, fail, ok } from '@holdfast/protocol/error.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type UploadEvent,
  type UploadMachine,
  type UploadStep,
  newUpload,
  nextUploadDue,
  stepUpload,
  uploadTimes,
} from '../../src/client/upload-machine.ts';

const { piece } = uploadTimes;
const size = 2.5 * piece;
const moment = { at: 1_000, random: 0.5 };
const state = (offset: number, whole = size) =>
  ok({ id: 'u', name: 'a', mediaType: 'image/png', size: whole, offset, complete: offset === whole });

function play(machine: UploadMachine, ...events: UploadEvent[]): UploadStep {
  let step: UploadStep = { machine, effects: [] };
  for (const event of events) step = stepUpload(step.machine, event, moment);
  return step;
}
const begun = (): UploadMachine => play(newUpload(size), { type: 'start' }).machine;
const answer = (machine: UploadMachine, result: ReturnType<typeof state> | { ok: false; error: ErrorBody }) =>
  stepUpload(machine, { type: 'answered', send: machine.sends, result }, moment);

it('UPLOAD12: piece after piece, each from where the server is, until it is complete', () => {
  const first = play(newUpload(size), { type: 'start' });
  expect(first.effects).toEqual([{ type: 'put', send: 1, offset: 0, end: piece }]);
  const second = answer(first.machine, state(piece));
  expect(second.effects).toEqual([{ type: 'put', send: 2, offset: piece, end: 2 * piece }]);
  const third = answer(second.machine, state(2 * piece));
  expect(third.effects).toEqual([{ type: 'put', send: 3, offset: 2 * piece, end: size }]);
  const done = answer(third.machine, state(size));
  expect(done.effects).toEqual([]);
  expect(done.machine.progress).toMatchObject({ status: 'complete', upload: { offset: size } });
  expect(answer(play(newUpload(0), { type: 'start' }).machine, state(0, 0)).machine.progress.status).toBe('complete');
});

it('UPLOAD12: a lost connection is waited for, however long, and the file goes on from the place the server names', () => {
  let machine = begun();
  for (let count = 0; count < 50; count += 1) {
    const waiting = answer(machine, fail('unavailable', 'away')).machine;
    expect(waiting.progress.status).toBe('waiting');
    const due = nextUploadDue(waiting) ?? 0;
    expect(due).toBeLessThanOrEqual(moment.at + uploadTimes.pause.cap);
    expect(stepUpload(waiting, { type: 'tick' }, { ...moment, at: due - 1 }).effects).toEqual([]);
    machine = stepUpload(waiting, { type: 'tick' }, { ...moment, at: due }).machine;
    expect(machine.progress.status).toBe('sending');
  }
  // What was lost on the way is sent again, what had arrived is not.
  const missing = answer(machine, fail('conflict', 'go on', { details: { offset: 1_000 } }));
  expect(missing.effects).toEqual([{ type: 'put', send: missing.machine.sends, offset: 1_000, end: 1_000 + piece }]);
  const further = answer(missing.machine, state(2 * piece));
  expect(further.effects).toMatchObject([{ offset: 2 * piece, end: size }]);
});

it('UPLOAD12: a connection that is back ends the waiting at once, but not that for the server’s own word', () => {
  const away = answer(begun(), fail('runner_offline', 'away')).machine;
  expect(play(away, { type: 'wake' }).effects).toHaveLength(1);
  const busy = answer(begun(), fail('rate_limited', 'wait', { retryAfterMs: 60_000 })).machine;
  expect(nextUploadDue(busy)).toBeGreaterThanOrEqual(moment.at + 60_000);
  expect(play(busy, { type: 'wake' }).effects).toEqual([]);
});

it('UPLOAD12: what trying again does not cure is given back to the person, who may try again from there', () => {
  for (const kind of ['quota_exceeded', 'payload_too_large', 'not_found', 'unauthenticated', 'bad_request'] as const) {
    const failed = answer(answer(begun(), state(piece)).machine, fail(kind, 'no')).machine;
    expect(failed.progress).toMatchObject({ status: 'failed', offset: piece, error: { kind } });
    expect(play(failed, { type: 'tick' }, { type: 'wake' }).effects).toEqual([]);
    expect(play(failed, { type: 'retry' }).effects).toMatchObject([{ offset: piece }]);
  }
  expect(answer(begun(), fail('conflict', 'another file')).machine.progress.status).toBe('failed');
});

it('UPLOAD12: a server that refuses again and again is not asked for ever', () => {
  for (const error of [fail('internal', 'x'), fail('conflict', 'x', { details: { offset: 0 } })]) {
    let machine = begun();
    let asked = 0;
    while (machine.progress.status !== 'failed' && asked < 100) {
      asked += 1;
      machine = stepUpload(answer(machine, error).machine, { type: 'tick' }, { at: Infinity, random: 0 }).machine;
    }
    expect(asked).toBe(uploadTimes.attempts);
  }
});

it('UPLOAD12: whatever happens in whatever order, at most one request is under way and an old answer is not heard', () => {
  const errors = (['unavailable', 'internal', 'conflict', 'quota_exceeded'] as const).map((kind) =>
    fail(kind, kind, kind === 'conflict' ? { details: { offset: 7 } } : {}),
  );
  const event = fc.oneof(
    fc.constantFrom<Exclude<UploadEvent, { type: 'answered' }>>(
      { type: 'start' },
      { type: 'tick' },
      { type: 'wake' },
      { type: 'retry' },
    ),
    fc.record({
      type: fc.constant('answered' as const),
      /** How many requests before the latest. */
      ago: fc.nat(2),
      result: fc.oneof(
        fc.constantFrom(...errors),
        fc.nat(size).map((offset) => state(offset)),
      ),
    }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      let machine = newUpload(size);
      let underway: number | null = null;
      for (const [at, one] of events.entries()) {
        const before = machine;
        const told = 'ago' in one ? { ...one, send: machine.sends - one.ago } : one;
        const step = stepUpload(machine, told, { at: at * 60_000, random: 0.9 });
        machine = step.machine;
        if (told.type === 'answered' && told.send !== underway) expect(machine).toBe(before);
        else if (told.type === 'answered') underway = null;
        for (const effect of step.effects) {
          expect(underway).toBeNull();
          expect(effect.end - effect.offset).toBeLessThanOrEqual(piece);
          underway = effect.send;
        }
        if (machine.sends > 0) expect(machine.progress.status === 'sending').toBe(underway !== null);
      }
    }),
  );
});
