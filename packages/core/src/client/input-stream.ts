/**
 * Keystrokes of one client for one terminal: a stream with offsets. What the terminal has not acknowledged is kept and
 * sent again from there; the receiver drops what it has. A stream belongs to one process of the terminal: for another
 * one (or after a refusal) a new stream begins, and what was kept for the old one is dropped and told, never resent.
 */
import type { ErrorBody, ErrorKind } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';

export const inputLimits = {
  /** Bytes kept un-acknowledged; a write beyond is refused whole. */
  kept: 1024 * 1024,
  /** Bytes on their way at once. */
  window: 256 * 1024,
  answerMs: 10_000,
  /** Pause after a passing refusal. */
  pauseMs: 1_000,
} as const;

export interface InputStream {
  /** Of the client; with `count` it names the stream. */
  readonly base: string;
  readonly count: number;
  /** The terminal's process it is for; null: not known yet. */
  readonly generation: number | null;
  readonly online: boolean;
  /** All before has reached the terminal. */
  readonly acknowledged: number;
  /** All before has been sent in this round. */
  readonly sent: number;
  /** Counts how often sending began again; a refusal of an earlier round says nothing about this one. */
  readonly round: number;
  /** The bytes from `acknowledged` on. */
  readonly kept: Uint8Array;
  /** Clock milliseconds: with bytes on their way, when they are sent again; else the earliest next sending. */
  readonly due: number;
  /** The refusal for which nothing is sent until `due`; null: none. */
  readonly delayedBy: ErrorBody | null;
}

export type InputEvent =
  | { readonly type: 'write'; readonly data: Uint8Array }
  | { readonly type: 'online' }
  | { readonly type: 'offline' }
  | { readonly type: 'acknowledged'; readonly inputId: string; readonly offset: number }
  /** round: of the sending that is refused. */
  | { readonly type: 'refused'; readonly inputId: string; readonly round: number; readonly error: ErrorBody }
  /** The process number of the terminal, as its log tells it. */
  | { readonly type: 'generation'; readonly generation: number }
  | { readonly type: 'tick' };

export type InputEffect =
  | {
      readonly type: 'send';
      readonly inputId: string;
      readonly round: number;
      readonly offset: number;
      readonly data: Uint8Array;
    }
  /** Keys that will never be typed. */
  | { readonly type: 'dropped'; readonly bytes: number; readonly error: ErrorBody };

export const newInputStream = (base: string): InputStream => ({
  base,
  count: 1,
  generation: null,
  online: false,
  acknowledged: 0,
  sent: 0,
  round: 1,
  kept: new Uint8Array(0),
  due: 0,
  delayedBy: null,
});

export const inputIdOf = (stream: InputStream): string => `${stream.base}-${stream.count}`;

export const fits = (stream: InputStream, data: Uint8Array): boolean =>
  stream.kept.byteLength + data.byteLength <= inputLimits.kept;

/** When to say `tick`, in clock milliseconds; null: not before something else happens. */
export const nextInputDue = (stream: InputStream): number | null =>
  stream.online && stream.kept.byteLength > 0 ? stream.due : null;

const passing: ReadonlySet<ErrorKind> = new Set([
  'rate_limited',
  'internal',
  'runner_offline',
  'unavailable',
  'timeout',
]);

export function stepInput(
  stream: InputStream,
  event: InputEvent,
  at: number,
): { stream: InputStream; effects: readonly InputEffect[] } {
  const effects: InputEffect[] = [];
  return { stream: send(apply(stream, event, at, effects), at, effects), effects };
}

function apply(stream: InputStream, event: InputEvent, at: number, effects: InputEffect[]): InputStream {
  switch (event.type) {
    case 'write':
      return fits(stream, event.data) ? { ...stream, kept: joined(stream.kept, event.data) } : stream;
    case 'online':
      return { ...stream, online: true, due: at };
    case 'offline':
      return { ...back(stream), online: false };
    case 'acknowledged':
      return event.inputId === inputIdOf(stream) ? acknowledge(stream, event.offset, at) : stream;
    case 'refused':
      // Of a round that is over: what it carried has been or will be sent again.
      if (event.inputId !== inputIdOf(stream) || event.round !== stream.round) return stream;
      return refused(stream, event.error, at, effects);
    case 'generation': {
      if (stream.generation === event.generation) return stream;
      const known = { ...stream, generation: event.generation };
      if (stream.generation === null) return known;
      return restart(known, { kind: 'session_ended', message: 'the keys were for a shell that is gone' }, effects);
    }
    case 'tick':
      return stream.sent > stream.acknowledged && stream.due <= at ? back(stream) : stream;
  }
}

/** Everything not acknowledged is to be sent again. */
const back = (stream: InputStream): InputStream => ({
  ...stream,
  sent: stream.acknowledged,
  round: stream.round + 1,
});

function acknowledge(stream: InputStream, offset: number, at: number): InputStream {
  const end = stream.acknowledged + stream.kept.byteLength;
  if (offset <= stream.acknowledged || offset > end) return stream;
  const sent = Math.max(stream.sent, offset);
  const kept = stream.kept.slice(offset - stream.acknowledged);
  return { ...stream, acknowledged: offset, sent, kept, due: sent > offset ? at + inputLimits.answerMs : at };
}

function refused(stream: InputStream, error: ErrorBody, at: number, effects: InputEffect[]): InputStream {
  const due = at + (error.retryAfterMs ?? inputLimits.pauseMs);
  if (passing.has(error.kind)) return { ...back(stream), due, delayedBy: error };
  // Some of what was sent before it got lost on the way: go on from where the terminal is, if that is still kept.
  const accepted = error.kind === 'conflict' ? error.details?.['accepted'] : undefined;
  const end = stream.acknowledged + stream.kept.byteLength;
  if (typeof accepted === 'number' && accepted >= stream.acknowledged && accepted <= end) {
    return { ...back(acknowledge(stream, accepted, at)), due };
  }
  return restart(stream, error, effects);
}

function restart(stream: InputStream, error: ErrorBody, effects: InputEffect[]): InputStream {
  if (stream.kept.byteLength > 0) effects.push({ type: 'dropped', bytes: stream.kept.byteLength, error });
  return { ...back(stream), count: stream.count + 1, acknowledged: 0, sent: 0, kept: new Uint8Array(0), due: 0 };
}

function send(stream: InputStream, at: number, effects: InputEffect[]): InputStream {
  if (!stream.online) return stream;
  // While bytes are on their way `due` is when to give them up, and does not hold back new ones.
  if (stream.sent === stream.acknowledged && stream.due > at) return stream;
  let { sent } = stream;
  const end = Math.min(stream.acknowledged + stream.kept.byteLength, stream.acknowledged + inputLimits.window);
  if (sent >= end) return stream;
  const idle = sent === stream.acknowledged;
  while (sent < end) {
    const from = sent - stream.acknowledged;
    const data = stream.kept.slice(from, Math.min(from + limits.terminalInput, end - stream.acknowledged));
    effects.push({ type: 'send', inputId: inputIdOf(stream), round: stream.round, offset: sent, data });
    sent += data.byteLength;
  }
  return { ...stream, sent, due: idle ? at + inputLimits.answerMs : stream.due, delayedBy: null };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(first);
  both.set(second, first.byteLength);
  return both;
}
