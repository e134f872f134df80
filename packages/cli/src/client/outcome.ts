/** What becomes of a command that was given to the outbox, in one visible state, with words and an exit code. Pure. */
import type { ConnectionView } from '@holdfast/core/client/connection.ts';
import type { DeliveryState } from '@holdfast/core/client/outbox.ts';
import type { ErrorBody, ErrorKind } from '@holdfast/protocol/error.ts';
import type { ExitName } from '../failure.ts';
import { plainLine } from './output.ts';

export interface Delivery {
  readonly state: DeliveryState;
  /** saved: the refusal for which it waits, and for how much longer, ms; null: none. */
  readonly delay: { readonly error: ErrorBody; readonly ms: number } | null;
  /** Some attempt may have reached the server. */
  readonly uncertain: boolean;
  readonly connection: ConnectionView;
  /** It is on this machine's disk. */
  readonly kept: boolean;
  /** How much longer it is waited for, ms; 0: no longer. */
  readonly patienceMs: number;
}

export type Outcome = { readonly exit: 'done' | ExitName; readonly words: string };

/** ended: nothing more comes. Otherwise words: what is true meanwhile and a person would like to know; null: all is well. */
export type Progress =
  { readonly ended: true; readonly outcome: Outcome } | { readonly ended: false; readonly words: string | null };

const ended = (exit: Outcome['exit'], words: string): Progress => ({ ended: true, outcome: { exit, words } });
const goesOn = (words: string | null): Progress => ({ ended: false, words });

/** remedy: what to do about a key that is not valid. */
export function progressOf(delivery: Delivery, remedy: string): Progress {
  const { state, connection, delay, patienceMs } = delivery;
  switch (state.status) {
    case 'stored':
      return ended('done', 'Stored.');
    case 'failed':
      return ended(exitOf(state.error.kind), `Not sent: ${errorWords(state.error)}`);
    case 'unsure':
      return ended('unsure', `It may or may not have arrived: ${errorWords(state.error)}. holdfast outbox shows it.`);
    case 'discarded':
      return ended('failed', 'It was discarded.');
    case 'saving':
      return goesOn(null);
    case 'saved':
    case 'sending':
      break;
  }
  if (connection.status === 'failed') return unconnected(delivery, connection, remedy);
  const tooLong = delay !== null && delay.ms > patienceMs;
  if (patienceMs <= 0 || tooLong)
    return leftBehind(delivery, delay === null ? 'the server has not answered' : delayWords(delay), 'unavailable');
  if (delay !== null) return goesOn(`Not sent yet: ${delayWords(delay)}. Waiting.`);
  if (connection.status === 'backoff') return goesOn('The connection was lost. Trying again.');
  return goesOn(null);
}

function unconnected(
  delivery: Delivery,
  connection: Extract<ConnectionView, { status: 'failed' }>,
  remedy: string,
): Progress {
  switch (connection.remedy) {
    case 'login':
      return leftBehind(delivery, `the key is not valid there. ${remedy}`, 'login');
    case 'reload':
      return leftBehind(delivery, 'the server speaks another version; bring both to the same', 'failed');
    case 'retry':
      return leftBehind(delivery, plainLine(connection.error.message), 'unavailable');
  }
}

/** exit: where it could not be kept, or is not what to tell first. */
function leftBehind({ kept, uncertain }: Delivery, why: string, exit: ExitName): Progress {
  const because = why.endsWith('.') ? why.slice(0, -1) : why;
  if (!kept && uncertain)
    return ended('unsure', `It may or may not have arrived: ${because}. It could not be kept here.`);
  if (!kept) return ended(exit, `Not sent: ${because}. It could not be kept here: send it again.`);
  return ended(
    exit === 'unavailable' ? 'kept' : exit,
    `Kept on this machine: ${because}. The next run sends it; holdfast outbox shows it.`,
  );
}

const exits: Readonly<Record<ErrorKind, ExitName>> = {
  bad_request: 'failed',
  unauthenticated: 'login',
  forbidden: 'forbidden',
  not_found: 'notFound',
  conflict: 'conflict',
  command_id_reused: 'conflict',
  session_ended: 'conflict',
  already_answered: 'conflict',
  unknown_kind: 'failed',
  path_outside_roots: 'forbidden',
  payload_too_large: 'tooLarge',
  unsupported_version: 'failed',
  rate_limited: 'limit',
  quota_exceeded: 'limit',
  internal: 'unavailable',
  agent_unavailable: 'unavailable',
  runner_offline: 'unavailable',
  unavailable: 'unavailable',
  timeout: 'unavailable',
};

export const exitOf = (kind: ErrorKind): ExitName => exits[kind];

/** Without a full stop at the end. */
export function errorWords(error: ErrorBody): string {
  const message = plainLine(error.message, 500).replace(/\.$/, '');
  const at = error.details?.['answeredAt'];
  if (error.kind === 'already_answered' && typeof at === 'string') {
    const by = error.details?.['answeredBy'];
    const device = typeof by === 'object' && by !== null && 'device' in by ? `, ${String(by.device)}` : '';
    return `${message}${plainLine(device)}, ${localTime(at)}`;
  }
  return error.retryAfterMs === undefined ? message : `${message}; again in ${seconds(error.retryAfterMs)}`;
}

const delayWords = ({ error, ms }: { readonly error: ErrorBody; readonly ms: number }): string =>
  `${plainLine(error.message, 500).replace(/\.$/, '')}; again in ${seconds(ms)}`;

export function seconds(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms / 1_000));
  return whole < 120 ? `${whole} s` : `${Math.ceil(whole / 60)} min`;
}

/** "2026-01-31 14:02", in this machine's zone. */
export function localTime(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return plainLine(at);
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
