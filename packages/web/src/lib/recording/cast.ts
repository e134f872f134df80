/** An asciicast v2 file as a player needs it. */

export interface CastEvent {
  /** When it is played, ms from the beginning. */
  readonly at: number;
  readonly code: 'o' | 'r' | 'm';
  readonly data: string;
}

export interface Cast {
  readonly cols: number;
  readonly rows: number;
  readonly title: string;
  readonly events: readonly CastEvent[];
  /** Of what is played, ms. */
  readonly length: number;
}

/** Where nothing happened for longer, the player does not wait longer. ms. */
const longestIdle = 2_000;

/** null: it is no such file. A line that is cut off, or of a kind nobody here knows, is left out. */
export function parseCast(text: string): Cast | null {
  const [first = '', ...lines] = text.split('\n');
  const header = parsed(first);
  if (!isRecord(header) || header['version'] !== 2) return null;
  const { width, height, title } = header;
  if (typeof width !== 'number' || typeof height !== 'number') return null;
  const events: CastEvent[] = [];
  let [recorded, at] = [0, 0];
  for (const line of lines) {
    const event = parsed(line);
    if (!Array.isArray(event)) continue;
    const [seconds, code, data] = event as unknown[];
    if (typeof seconds !== 'number' || typeof data !== 'string') continue;
    if (code !== 'o' && code !== 'r' && code !== 'm') continue;
    const time = seconds * 1_000;
    at += Math.min(longestIdle, Math.max(0, time - recorded));
    recorded = Math.max(recorded, time);
    events.push({ at, code, data });
  }
  return { cols: width, rows: height, title: typeof title === 'string' ? title : '', events, length: at };
}

/** null: no size. */
export function parseSize(data: string): { cols: number; rows: number } | null {
  const [, cols, rows] = /^(\d{1,4})x(\d{1,4})$/.exec(data) ?? [];
  return cols === undefined || rows === undefined ? null : { cols: Number(cols), rows: Number(rows) };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
