/** The lines of an asciicast v2 file. */

export interface CastStart {
  readonly cols: number;
  readonly rows: number;
  /** Wall clock, ms. */
  readonly startedAt: number;
  readonly title: string;
  /** Absent: not known. */
  readonly shell?: string | undefined;
}

export function castHeader({ cols, rows, startedAt, title, shell }: CastStart): string {
  const env = { TERM: 'xterm-256color', ...(shell === undefined ? {} : { SHELL: shell }) };
  const timestamp = Math.floor(startedAt / 1000);
  return `${JSON.stringify({ version: 2, width: cols, height: rows, timestamp, title, env })}\n`;
}

/** o: output · r: a new size, like 80x24 · m: a mark, with words for who looks at it. */
export const castEvent = (milliseconds: number, code: 'o' | 'r' | 'm', data: string): string =>
  `[${(milliseconds / 1000).toFixed(3)},"${code}",${JSON.stringify(data)}]\n`;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** As text; what is no UTF-8 becomes U+FFFD. rest: the character that only begins at the end. */
export function decoded(bytes: Uint8Array): { text: string; rest: Uint8Array } {
  const whole = bytes.length - begunCharacter(bytes);
  return { text: decoder.decode(bytes.subarray(0, whole)), rest: bytes.slice(whole) };
}

/** Bytes at the end of which the rest of their character has not come. */
function begunCharacter(bytes: Uint8Array): number {
  for (let length = 1; length <= 3; length += 1) {
    const byte = bytes.at(-length);
    if (byte === undefined || byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return needed > length ? length : 0;
  }
  return 0;
}
