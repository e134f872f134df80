/** The link to the server, in words. Never more hopeful than what is known. */
import type { ConnectionView } from '@holdfast/core/client/connection.ts';
import type { Transport } from '@holdfast/core/client/transport-choice.ts';
import type { Tone } from '@holdfast/core/words/state-words.ts';

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
      return { tone: 'warn', live: true, text: 'Reconnecting' };
    case 'moving':
      return { tone: 'accent', live: true, text: 'Server restarting' };
    case 'failed':
      return { tone: 'bad', live: false, text: failedWords[view.remedy] };
  }
}

const failedWords = { login: 'Logged out', reload: 'Reload the page', retry: 'Not connected' } as const;

/** For the terminal's pill: what happens to keys typed now. */
export function keysWords(view: ConnectionView, pendingKeys: number): string | null {
  if (view.status === 'live') return null;
  const words = connectionWords(view).text.toLowerCase();
  if (pendingKeys === 0) return words;
  return `${words} · ${pendingKeys} ${pendingKeys === 1 ? 'key' : 'keys'} kept`;
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
