import { describe, expect, it } from 'vitest';
import { delayOf } from '@holdfast/core/client/outbox.ts';
import type { Approval } from '@holdfast/protocol/approval.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import { deliveryWords } from '#lib/agent/delivery-words.ts';
import { waitingFor } from '#lib/home/waiting.ts';
import { connectionRefusal, connectionWords, keysWords } from '#lib/shell/connection-words.ts';
import { outboxEntry } from './fixture/outbox-entry.ts';

const error: ErrorBody = { kind: 'session_ended', message: 'The session has ended.' };
const tooFast: ErrorBody = { kind: 'rate_limited', message: 'You may send 2 messages a minute.', retryAfterMs: 9_000 };
const at = (minute: number): string => `2026-11-21T10:0${minute}:00.000Z`;
const approval = (id: string, minute: number): Approval => ({
  id,
  sessionId: 's1',
  kind: 'permission',
  tool: 'Bash',
  title: 'ls',
  turnId: 't1',
  toolCallId: 't',
  input: {},
  scopes: ['once'],
  status: 'pending',
  requestedAt: at(minute),
});

describe('what waits for a person', () => {
  it('PAGE11: what failed or is unsure, of any session, stands among what agents ask, oldest first', () => {
    const failed = outboxEntry({ id: 'm1', sessionId: 'gone', createdAt: at(1), state: { status: 'failed', error } });
    const unsure = outboxEntry({ id: 'm2', createdAt: at(3), state: { status: 'unsure', error } });
    const others = (['saving', 'saved', 'sending'] as const).map((status) => outboxEntry({ state: { status } }));
    const waiting = waitingFor(
      [approval('a2', 2), approval('a4', 4)],
      [unsure, failed, ...others, outboxEntry({ state: { status: 'stored', seq: 3 } })],
    );
    expect(waiting.map(({ id, type }) => [id, type])).toEqual([
      ['m1', 'given-back'],
      ['a2', 'approval'],
      ['m2', 'given-back'],
      ['a4', 'approval'],
    ]);
  });

  it('PAGE11: an answer that was given back stands at its approval, and by itself once that is not asked any more', () => {
    const answer = outboxEntry({
      command: { id: 'c1', type: 'approval.answer', approvalId: 'a2', answer: { decision: 'allow' } },
      state: { status: 'failed', error },
    });
    expect(waitingFor([approval('a2', 2)], [answer]).map(({ type }) => type)).toEqual(['approval']);
    expect(waitingFor([], [answer]).map(({ type }) => type)).toEqual(['given-back']);
  });
});

describe('what is said where a limit was met', () => {
  it('PAGE19: a message that is too fast is kept, says why and when it goes out', () => {
    const entry = outboxEntry({ state: { status: 'saved' }, delayedBy: tooFast, due: 70 });
    expect(deliveryWords(entry.state, delayOf(entry, [entry]), true)).toEqual({
      text: 'Kept. You may send 2 messages a minute.',
      look: 'quiet',
      until: 70,
    });
    // Without a connection nobody knows when.
    expect(deliveryWords(entry.state, delayOf(entry, [entry]), false).until).toBeUndefined();
    const sending = outboxEntry({ state: { status: 'sending' }, delayedBy: tooFast, due: 70 });
    expect(delayOf(sending, [sending])).toBeNull();
    // What comes after it waits for the same.
    const next = outboxEntry({ id: 'next', state: { status: 'saved' } });
    expect(delayOf(next, [entry, next])).toEqual({ error: tooFast, until: 70 });
    const elsewhere = outboxEntry({ id: 'next', sessionId: 'another', state: { status: 'saved' } });
    expect(delayOf(elsewhere, [entry, elsewhere])).toBeNull();
  });

  it('PAGE19: keys that are too fast are kept, and it is said when they go on', () => {
    const live = { status: 'live' } as const;
    const delay = { error: { ...tooFast, message: 'Terminals take 9 bytes a second from you.' }, until: 70 };
    expect(keysWords(live, { pendingBytes: 1, delay })).toEqual({
      text: 'Terminals take 9 bytes a second from you. 1 key kept.',
      until: 70,
    });
    expect(keysWords(live, { pendingBytes: 5, delay: null })).toBeNull();
    const backoff = { status: 'backoff', attempt: 2, retryAt: 5, error } as const;
    expect(keysWords(backoff, { pendingBytes: 3, delay: null })).toEqual({ text: 'reconnecting · 3 keys kept' });
  });

  it('PAGE19: a page that is one too many is not let in yet, and says so; a server that is away is another thing', () => {
    const full = { kind: 'quota_exceeded', message: 'You have 1 connection open, which is the limit.' } as const;
    const view = { status: 'backoff', attempt: 2, retryAt: 5, error: full } as const;
    expect(connectionRefusal(view)).toEqual({ error: full, until: 5 });
    expect(connectionWords(view).text).toBe('Not let in yet');
    const away = { ...view, error: { kind: 'unavailable', message: 'x' } } as const;
    expect(connectionRefusal(away)).toBeNull();
    expect(connectionWords(away).text).toBe('Reconnecting');
    expect(connectionRefusal({ status: 'live' })).toBeNull();
  });
});
