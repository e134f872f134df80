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
  /** All before has been sent on this connection. */
  readonly sent: number;
  /** The bytes from `acknowledged` on. */
  readonly kept: Uint8Array;
  /** Clock milliseconds: with bytes on their way, when they are sent again; else the earliest next sending. */
  readonly due: number;
}

export type InputEvent =
  | { readonly type: 'write'; readonly data: Uint8Array }
  | { readonly type: 'online' }
  | { readonly type: 'offline' }
  | { readonly type: 'acknowledged'; readonly inputId: string; readonly offset: number }
  | { readonly type: 'refused'; readonly inputId: string; readonly error: ErrorBody }
  /** The process number of the terminal, as its log tells it. */
  | { readonly type: 'generation'; readonly generation: number }
  | { readonly type: 'tick' };

export type InputEffect =
  | { readonly type: 'send'; readonly inputId: string; readonly offset: number; readonly data: Uint8Array }
  /** Keys that will never be typed. */
  | { readonly type: 'dropped'; readonly bytes: number; readonly error: ErrorBody };

export const newInputStream = (base: string): InputStream => ({
  base,
  count: 1,
  generation: null,
  online: false,
  acknowledged: 0,
  sent: 0,
  kept: new Uint8Array(0),
  due: 0,
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
      return { ...stream, online: true, sent: stream.acknowledged, due: at };
    case 'offline':
      return { ...stream, online: false, sent: stream.acknowledged };
    case 'acknowledged': {
      const end = stream.acknowledged + stream.kept.byteLength;
      if (event.inputId !== inputIdOf(stream) || event.offset <= stream.acknowledged || event.offset > end)
        return stream;
      const sent = Math.max(stream.sent, event.offset);
      return {
        ...stream,
        acknowledged: event.offset,
        sent,
        kept: stream.kept.slice(event.offset - stream.acknowledged),
        due: sent > event.offset ? at + inputLimits.answerMs : at,
      };
    }
    case 'refused': {
      // With nothing on its way this is the echo of a refusal that has been dealt with.
      if (event.inputId !== inputIdOf(stream) || stream.sent === stream.acknowledged) return stream;
      if (!passing.has(event.error.kind)) return restart(stream, event.error, effects);
      return { ...stream, sent: stream.acknowledged, due: at + (event.error.retryAfterMs ?? inputLimits.pauseMs) };
    }
    case 'generation': {
      if (stream.generation === event.generation) return stream;
      const known = { ...stream, generation: event.generation };
      if (stream.generation === null) return known;
      return restart(known, { kind: 'session_ended', message: 'the keys were for a shell that is gone' }, effects);
    }
    case 'tick':
      return stream.sent > stream.acknowledged && stream.due <= at ? { ...stream, sent: stream.acknowledged } : stream;
  }
}

function restart(stream: InputStream, error: ErrorBody, effects: InputEffect[]): InputStream {
  if (stream.kept.byteLength > 0) effects.push({ type: 'dropped', bytes: stream.kept.byteLength, error });
  return { ...stream, count: stream.count + 1, acknowledged: 0, sent: 0, kept: new Uint8Array(0), due: 0 };
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
    effects.push({ type: 'send', inputId: inputIdOf(stream), offset: sent, data });
    sent += data.byteLength;
  }
  return { ...stream, sent, due: idle ? at + inputLimits.answerMs : stream.due };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(first);
  both.set(second, first.byteLength);
  return both;
}
