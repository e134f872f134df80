/**
 * One subscriber's place in a terminal's output: what it was sent, what it has parsed, and how much it may have in
 * flight. Pure: the clock is an argument. The window is about one second of what the subscriber was seen to parse, so
 * that a pong, an echo or an approval never waits long behind output.
 */
import { limits } from '@holdfast/protocol/limits.ts';

export interface TtyReader {
  /** Next byte to send. */
  readonly cursor: number;
  /** The subscriber has parsed everything before this. */
  readonly parsed: number;
  /** Bytes that may be in flight. */
  readonly window: number;
  /** Bytes per millisecond, smoothed; 0: not known yet. */
  readonly rate: number;
  /**
   * Where and when the measurement under way began; ms. Only while the window is used up: else it would be measured how
   * much was printed.
   */
  readonly mark: { readonly offset: number; readonly at: number } | null;
}

export type TtyStep =
  | { readonly do: 'send'; readonly from: number; readonly most: number }
  | { readonly do: 'wait' }
  /** What comes next is no longer kept, or would be seen too late: a screen is needed. */
  | { readonly do: 'screen' };

/**
 * How long a subscriber may be shown what was, ms: on a line of 1 Mbit/s a full ring is 8 s of it, all before the
 * prompt. Less than a quarter of a ring is never left out: a rate that was seen of little output may be too low.
 */
const lateMs = 2_000;
const lateBytes = limits.serverRing / 4;

/** before: what is known of this subscriber from earlier. */
export function ttyReaderAt(offset: number, before?: TtyReader): TtyReader {
  const { window, rate } = before ?? { window: limits.creditFloor, rate: 0 };
  return { cursor: offset, parsed: offset, window, rate, mark: null };
}

/** What to do for a reader of a ring that keeps [start, end). */
export function nextTtyStep(reader: TtyReader, ring: { readonly start: number; readonly end: number }): TtyStep {
  const isLate = reader.rate > 0 && ring.end - reader.cursor > Math.max(reader.rate * lateMs, lateBytes);
  if (reader.cursor < ring.start || isLate) return { do: 'screen' };
  const credit = reader.parsed + reader.window - reader.cursor;
  if (reader.cursor >= ring.end || credit <= 0) return { do: 'wait' };
  return { do: 'send', from: reader.cursor, most: credit };
}

export function ttySent(reader: TtyReader, bytes: number, now: number): TtyReader {
  const cursor = reader.cursor + bytes;
  const isFull = cursor - reader.parsed >= reader.window;
  return { ...reader, cursor, mark: reader.mark ?? (isFull ? { offset: reader.parsed, at: now } : null) };
}

/** The subscriber says it has parsed up to offset. A lie (beyond what was sent, or backwards) changes nothing. */
export function ttyParsed(reader: TtyReader, offset: number, now: number): TtyReader {
  if (offset <= reader.parsed || offset > reader.cursor) return reader;
  const { mark } = reader;
  // A few keystrokes say nothing about the link; a full window's worth does.
  if (mark === null || offset - mark.offset < reader.window / 2) return { ...reader, parsed: offset };
  const measured = (offset - mark.offset) / Math.max(now - mark.at, 1);
  const rate = reader.rate === 0 ? measured : reader.rate * 0.5 + measured * 0.5;
  const window = Math.round(Math.min(Math.max(rate * 1_000, limits.creditFloor), limits.creditCeiling));
  return { ...reader, parsed: offset, rate, window, mark: null };
}
