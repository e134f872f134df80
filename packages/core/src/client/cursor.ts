/** Where a reader is in a session's log and in its terminal's output: what arrives is cut to what is new, in order, or is a gap. */

export interface LogCursor {
  /** The last fact handed out. */
  readonly after: number;
}

export interface Accepted<T> {
  readonly cursor: LogCursor;
  /** Contiguous, beginning right after the old cursor. */
  readonly fresh: readonly T[];
  /** Something is missing before what came: subscribe again with the new cursor. */
  readonly gap: boolean;
}

/** Facts in any order, repeated or not, to those that are next. */
export function acceptFacts<T extends { readonly seq: number }>(cursor: LogCursor, facts: readonly T[]): Accepted<T> {
  const sorted = isAscending(facts) ? facts : [...facts].sort((a, b) => a.seq - b.seq);
  const fresh: T[] = [];
  let after = cursor.after;
  for (const fact of sorted) {
    if (fact.seq <= after) continue;
    if (fact.seq !== after + 1) return { cursor: { after }, fresh, gap: true };
    fresh.push(fact);
    after = fact.seq;
  }
  return { cursor: { after }, fresh, gap: false };
}

function isAscending(facts: readonly { readonly seq: number }[]): boolean {
  return facts.every((fact, index) => index === 0 || (facts[index - 1]?.seq ?? 0) < fact.seq);
}

export interface AcceptedOutput {
  /** The next byte wanted. */
  readonly next: number;
  /** Empty when all of it was known. */
  readonly offset: number;
  readonly data: Uint8Array;
  /** Bytes are missing before what came: ask for the output from `next` on. */
  readonly gap: boolean;
}

/** next: the next byte wanted; null: whatever comes first is the beginning. */
export function acceptOutput(next: number | null, offset: number, data: Uint8Array): AcceptedOutput {
  const wanted = next ?? offset;
  if (offset > wanted) return { next: wanted, offset: wanted, data: data.subarray(0, 0), gap: true };
  const fresh = data.subarray(Math.min(wanted - offset, data.byteLength));
  return { next: wanted + fresh.byteLength, offset: wanted, data: fresh, gap: false };
}
