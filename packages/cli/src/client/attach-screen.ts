/** What is written to the terminal in which `attach` runs, beside what the session prints. Pure. */
import type { Size } from './attach-driving.ts';
import { plainLine } from './output.ts';

/** Ctrl-], and the same where a program asked for keys by their numbers (the protocol of kitty). */
const detachKeys: readonly Uint8Array[] = [Uint8Array.of(0x1d), new TextEncoder().encode('\u001b[93;5u')];

/** What was typed up to the key that detaches; detach: it is there. */
export function keysBefore(chunk: Uint8Array): { readonly keys: Uint8Array; readonly detach: boolean } {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const places = detachKeys.map((key) => bytes.indexOf(key)).filter((at) => at >= 0);
  if (places.length === 0) return { keys: chunk, detach: false };
  return { keys: chunk.subarray(0, Math.min(...places)), detach: true };
}

/** Modes a program may have left on: colours, cursor, wrap, keypad, mouse, focus, paste, keys by number, second screen. */
const modesOff =
  '\u001b[0m\u001b[?25h\u001b[?7h\u001b[?1l\u001b>\u001b[?9l\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?1004l\u001b[?2004l\u001b[<u\u001b[r\u001b[?1049l';

/** Leaves the terminal as a shell wants it, below what is shown. */
export const restored = ({ rows }: Size): string => `${modesOff}\u001b[${rows};1H\r\n`;

/** A screen in place of what is shown; what scrolled off stays. */
export const repainted = (ansi: string): string => `${modesOff}\u001b[H\u001b[2J${ansi}`;

/** One line over the last one. The cursor stays; a repaint takes it away. */
export function statusLine(words: string, { cols, rows }: Size): string {
  const text = ` ${plainLine(words, Math.max(8, cols - 2))} `;
  return `\u001b7\u001b[${rows};1H\u001b[0;7m${text}\u001b[0m\u001b[K\u001b8`;
}

/** "Reconnecting · 3 keys kept" */
export const reconnecting = (pendingBytes: number): string =>
  pendingBytes === 0 ? 'Reconnecting' : `Reconnecting · ${pendingBytes} ${pendingBytes === 1 ? 'key' : 'keys'} kept`;
