/** What is measured, and what it is held against. */
import type { Host } from '../contestants/contestant.ts';
import type { Scripts } from '../scripts.ts';

/** By row: what one round of one contestant gave. Words stand for themselves. */
export type Measured = Readonly<Record<string, number | string>>;

/** Medians by contestant. */
export type Medians = ReadonlyMap<string, number>;

export interface Row {
  readonly key: string;
  readonly title: string;
  /** Digits after the point. */
  readonly digits: number;
  readonly target: string;
  /** null: nothing to hold it against in this run. */
  met(ours: number, of: Medians): boolean | null;
}

export interface Setting {
  readonly scripts: Scripts;
  /** For files of its own. */
  readonly directory: string;
  /** Less of everything, to see that it works. */
  readonly quick: boolean;
}

export interface Figure {
  readonly name: string;
  readonly rows: readonly Row[];
  /** Each round begins with a contestant started anew. Default: one for all rounds. */
  readonly fresh?: boolean;
  /** One round. null: this contestant cannot do it. */
  measure(host: Host, setting: Setting): Promise<Measured | null>;
}

/** Not a figure of the others: this much of ours at most. */
export function atMost(most: number): Row['met'] {
  return (ours) => ours <= most;
}

/** Each with its factor: ours is at most so many times theirs; those that are missing are not asked. */
export function atMostTimes(...others: readonly (readonly [factor: number, name: string])[]): Row['met'] {
  return (ours, of) => heldAgainst(others, of, (factor, theirs) => ours <= factor * theirs);
}

export function atLeastTimes(...others: readonly (readonly [factor: number, name: string])[]): Row['met'] {
  return (ours, of) => heldAgainst(others, of, (factor, theirs) => ours >= factor * theirs);
}

function heldAgainst(
  others: readonly (readonly [number, string])[],
  of: Medians,
  holds: (factor: number, theirs: number) => boolean,
): boolean | null {
  const known = others.flatMap(([factor, name]) => {
    const theirs = of.get(name);
    return theirs === undefined ? [] : [holds(factor, theirs)];
  });
  return known.length === 0 ? null : known.every((held) => held);
}
