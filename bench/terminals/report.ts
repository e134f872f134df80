/** Rounds become medians, medians a table. */
import type { Figure, Measured, Medians, Row } from './figures/figure.ts';
import { median } from './statistics.ts';

export interface Outcome {
  readonly figure: Figure;
  /** By contestant: what each of its rounds gave; null: it cannot do this; a word: why it has no figures. */
  readonly rounds: ReadonlyMap<string, readonly Measured[] | string | null>;
}

/** One line per row of each figure, as Markdown. */
export function table(outcomes: readonly Outcome[], names: readonly string[], ours: string): string {
  const lines = [
    `| figure | ${names.join(' | ')} | target | verdict |`,
    `|---|${names.map(() => '---').join('|')}|---|---|`,
  ];
  for (const outcome of outcomes) {
    for (const row of outcome.figure.rows) {
      const cells = names.map((name) => cell(outcome, row, name));
      lines.push(`| ${row.title} | ${cells.join(' | ')} | ${row.target} | ${verdict(outcome, row, ours)} |`);
    }
  }
  return lines.join('\n');
}

function cell({ rounds }: Outcome, row: Row, name: string): string {
  const measured = rounds.get(name);
  if (measured === undefined || measured === null) return '–';
  if (typeof measured === 'string') return measured;
  const values = measured.map((round) => round[row.key]).filter((value) => value !== undefined);
  const words = values.filter((value) => typeof value === 'string');
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.length === 0) return words[0] ?? '–';
  const shown = median(numbers).toFixed(row.digits);
  return words.length === 0 ? shown : `${shown} (${words.length} of ${values.length}: ${words[0]})`;
}

function verdict({ rounds }: Outcome, row: Row, ours: string): string {
  const medians: Medians = new Map(
    [...rounds].flatMap(([name, measured]) => {
      if (measured === null || typeof measured === 'string') return [];
      const numbers = measured.map((round) => round[row.key]).filter((value) => typeof value === 'number');
      return numbers.length === 0 ? [] : [[name, median(numbers)] as const];
    }),
  );
  const mine = medians.get(ours);
  const all = rounds.get(ours);
  if (mine === undefined || !Array.isArray(all)) return '–';
  // A round that gave no figure (lost, wrong) did not do what is asked.
  const failed = (all as readonly Measured[]).some((round) => typeof round[row.key] === 'string');
  const met = failed ? false : row.met(mine, medians);
  return met === null ? '–' : met ? 'met' : 'missed';
}
