import type { ConnectionView } from '@holdfast/core/client/connection.ts';
import type { DeliveryState } from '@holdfast/core/client/outbox.ts';
import { type ErrorBody, type ErrorKind, errorStatus } from '@holdfast/protocol/error.ts';
import { describe, expect, it } from 'vitest';
import { type ExitName, exitCodes } from '../../src/failure.ts';
import { type Delivery, type Progress, exitOf, progressOf } from '../../src/client/outcome.ts';

const remedy = 'Make a new one.';
const live: ConnectionView = { status: 'live' };
const away: ConnectionView = {
  status: 'failed',
  remedy: 'retry',
  error: { kind: 'unavailable', message: 'the server cannot be reached' },
};
const noLogin: ConnectionView = {
  status: 'failed',
  remedy: 'login',
  error: { kind: 'unauthenticated', message: 'no' },
};
const old: ConnectionView = {
  status: 'failed',
  remedy: 'reload',
  error: { kind: 'unsupported_version', message: 'v' },
};
const error = (kind: ErrorKind, more: Partial<ErrorBody> = {}): ErrorBody => ({ kind, message: 'Why not.', ...more });

function of(state: DeliveryState, more: Partial<Delivery> = {}): Progress {
  return progressOf(
    { state, delay: null, uncertain: false, connection: live, kept: true, patienceMs: 30_000, ...more },
    remedy,
  );
}
const ends = (progress: Progress): [string, string] | null =>
  progress.ended ? [progress.outcome.exit, progress.outcome.words] : null;

const saved: DeliveryState = { status: 'saved' };
const sending: DeliveryState = { status: 'sending' };
const slow = { error: error('rate_limited', { retryAfterMs: 40_000 }), ms: 40_000 };

const rows: readonly (readonly [string, Progress, ExitName | 'done', RegExp])[] = [
  ['stored', of({ status: 'stored', seq: 3 }), 'done', /^Stored\.$/],
  ['401', of(saved, { connection: noLogin }), 'login', /^Kept.*key is not valid there\. Make a new one/],
  ['403', of({ status: 'failed', error: error('forbidden') }), 'forbidden', /^Not sent: Why not$/],
  ['404', of({ status: 'failed', error: error('not_found') }), 'notFound', /^Not sent/],
  ['409', of({ status: 'failed', error: error('conflict') }), 'conflict', /^Not sent/],
  ['409 ended', of({ status: 'failed', error: error('session_ended') }), 'conflict', /^Not sent/],
  ['413', of({ status: 'failed', error: error('payload_too_large') }), 'tooLarge', /^Not sent/],
  ['429 quota', of({ status: 'failed', error: error('quota_exceeded') }), 'limit', /^Not sent/],
  ['429 later', of(saved, { delay: slow }), 'kept', /^Kept.*Why not; again in 40 s\. The next run sends it/],
  ['5xx', of({ status: 'unsure', error: error('internal') }), 'unsure', /^It may or may not have arrived: Why not\./],
  ['timeout', of(sending, { patienceMs: 0, uncertain: true }), 'kept', /^Kept.*has not answered/],
  ['offline', of(saved, { connection: away }), 'kept', /^Kept.*cannot be reached.*holdfast outbox shows it/],
  ['version', of(saved, { connection: old }), 'failed', /^Kept.*another version/],
  ['offline, no disk', of(saved, { connection: away, kept: false }), 'unavailable', /^Not sent.*send it again/],
  ['cut off, no disk', of(saved, { connection: away, kept: false, uncertain: true }), 'unsure', /could not be kept/],
  ['discarded', of({ status: 'discarded' }), 'failed', /discarded/],
];

describe('what becomes of a send', () => {
  it.each(rows)('CLI4: %s is one state with its words and its exit code', (_name, progress, exit, words) => {
    expect(ends(progress)?.[0]).toBe(exit);
    expect(ends(progress)?.[1]).toMatch(words);
  });

  it('CLI4: while it can still be sent it is waited for, and said why', () => {
    const soon = { error: error('rate_limited'), ms: 12_001 };
    const lost: ConnectionView = { status: 'backoff', attempt: 1, retryAt: 0, error: error('unavailable') };
    const moving: ConnectionView = { status: 'moving', attempt: 1, retryAt: null };
    expect(of({ status: 'saving' })).toEqual({ ended: false, words: null });
    expect(of(sending)).toEqual({ ended: false, words: null });
    expect(of(saved, { delay: soon })).toEqual({
      ended: false,
      words: 'Not sent yet: Why not; again in 13 s. Waiting.',
    });
    expect(of(saved, { connection: lost })).toEqual({
      ended: false,
      words: 'The connection was lost. Trying again.',
    });
    expect(of(saved, { connection: moving })).toEqual({ ended: false, words: null });
    expect(of({ status: 'saving' }, { connection: away })).toEqual({ ended: false, words: null });
  });

  it('CLI4: every kind of error has its exit code, the same for one status', () => {
    const kinds = Object.keys(errorStatus) as ErrorKind[];
    for (const kind of kinds) expect(exitCodes[exitOf(kind)]).toBeGreaterThan(0);
    expect(new Set(kinds.filter((kind) => errorStatus[kind] === 409).map(exitOf))).toEqual(new Set(['conflict']));
    expect(new Set(kinds.filter((kind) => errorStatus[kind] === 429).map(exitOf))).toEqual(new Set(['limit']));
    expect(new Set(kinds.filter((kind) => errorStatus[kind] >= 500).map(exitOf))).toEqual(new Set(['unavailable']));
    expect(new Set(Object.values(exitCodes)).size).toBe(Object.keys(exitCodes).length);
  });

  it('CLI10: who was first, on which device and when, is said', () => {
    const at = new Date(2026, 0, 31, 14, 2).toISOString();
    const late = error('already_answered', {
      message: 'Already answered by Ada.',
      details: { answeredBy: { kind: 'user', name: 'Ada', device: 'Firefox on Android' }, answeredAt: at },
    });
    expect(ends(of({ status: 'failed', error: late }))).toEqual([
      'conflict',
      'Not sent: Already answered by Ada, Firefox on Android, 2026-01-31 14:02',
    ]);
  });
});
