/** Which rows of a long transcript are drawn: a stretch of bounded length, which goes along with the reader. */
import type { TranscriptRow } from './transcript-rows.ts';

/** Drawn at once, at most. */
export const mostRows = 600;
/** By which the stretch moves; the rest of it stays as it is, and what is looked at with it. */
const step = 200;

/** The fact that began the last row drawn; null: the newest row is the last one, also when more come. */
export type StretchEnd = number | null;

export interface DrawnRows {
  readonly rows: readonly TranscriptRow[];
  /** Rows that were read and are not drawn. */
  readonly above: number;
  readonly below: number;
}

export function drawnRows(rows: readonly TranscriptRow[], last: StretchEnd): DrawnRows {
  const end = endOf(rows, last);
  const begin = Math.max(0, end - mostRows);
  return { rows: rows.slice(begin, end), above: begin, below: rows.length - end };
}

/** One step back, no further than to the oldest row read. */
export function earlier(rows: readonly TranscriptRow[], last: StretchEnd): StretchEnd {
  const end = endOf(rows, last);
  return endAt(rows, end - Math.min(step, Math.max(0, end - mostRows)));
}

export const later = (rows: readonly TranscriptRow[], last: StretchEnd): StretchEnd =>
  endAt(rows, endOf(rows, last) + step);

/** By number, not by key: the key of a row that older parts grow into is another one afterwards. */
function endOf(rows: readonly TranscriptRow[], last: StretchEnd): number {
  return last === null ? rows.length : rows.findLastIndex((row) => seqOf(row) <= last) + 1;
}

function endAt(rows: readonly TranscriptRow[], end: number): StretchEnd {
  const row = rows[end - 1];
  return row === undefined || end >= rows.length ? null : seqOf(row);
}

const seqOf = (row: TranscriptRow): number => (row.type === 'item' ? row.item.seq : (row.tools[0]?.seq ?? 0));
