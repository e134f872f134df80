/** The link to the server, in words. Never more hopeful than what is known. */
import type { ConnectionView } from '@holdfast/core/client/connection.ts';
import type { Delay } from '@holdfast/core/client/outbox.ts';
import type { Transport } from '@holdfast/core/client/transport-choice.ts';
import type { InputStatus } from '@holdfast/link/client-interface.ts';
import { type Tone, count } from '@holdfast/core/words/state-words.ts';

export interface ConnectionWords {
  readonly tone: Tone;
  readonly live: boolean;
  readonly text: string;
}

export function connectionWords(view: ConnectionView): ConnectionWords {
  switch (view.status) {
    case 'idle':
      return { tone: 'idle', live: false, text: 'Not connected' };
    case 'connecting':
      return { tone: 'warn', live: true, text: view.attempt === 1 ? 'Connecting' : 'Reconnecting' };
    case 'catching-up':
      return { tone: 'accent', live: true, text: 'Catching up' };
    case 'live':
      return { tone: 'good', live: false, text: 'Connected' };
    case 'backoff':
      return connectionRefusal(view) === null
        ? { tone: 'warn', live: true, text: 'Reconnecting' }
        : { tone: 'warn', live: false, text: 'Not let in yet' };
    case 'moving':
      return { tone: 'accent', live: true, text: 'Server restarting' };
    case 'failed':
      return { tone: 'bad', live: false, text: failedWords[view.remedy] };
  }
}

/** A limit keeps it out, and it tries again by itself at clock milliseconds `until`; null: that is not what is wrong. */
export function connectionRefusal(view: ConnectionView): Delay | null {
  if (view.status !== 'backoff') return null;
  const { error, retryAt } = view;
  return error.kind === 'quota_exceeded' || error.kind === 'rate_limited' ? { error, until: retryAt } : null;
}

const failedWords = { login: 'Logged out', reload: 'Reload the page', retry: 'Not connected' } as const;

export interface KeysWords {
  readonly text: string;
  /** Clock milliseconds: when they go on by themselves. Without it nobody knows. */
  readonly until?: number;
}

/** For the terminal's pill: what happens to keys typed now; null: they go through. */
export function keysWords(
  view: ConnectionView,
  { pendingBytes, delay }: Pick<InputStatus, 'pendingBytes' | 'delay'>,
): KeysWords | null {
  const kept = pendingBytes === 0 ? null : `${count(pendingBytes, 'key')} kept`;
  if (view.status !== 'live') {
    return { text: [connectionWords(view).text.toLowerCase(), ...(kept === null ? [] : [kept])].join(' · ') };
  }
  if (delay === null) return null;
  return { text: `${delay.error.message}${kept === null ? '' : ` ${kept}.`}`, until: delay.until };
}

/** reason: why it is not the best way. */
export function transportWords(transport: Transport): { readonly name: string; readonly reason: string | null } {
  switch (transport) {
    case 'websocket':
      return { name: 'WebSocket', reason: null };
    case 'polling':
      return { name: 'Long-polling', reason: 'WebSocket could not be had; it is tried again.' };
    case 'sse':
      return {
        name: 'Event streams',
        reason: 'Neither WebSocket nor long-polling could be had; they are tried again.',
      };
  }
}
