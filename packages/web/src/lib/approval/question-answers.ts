/** What was chosen in a question form, as the agent is told it. */
import type { Question } from '@holdfast/protocol/approval.ts';

export interface Choice {
  readonly labels: readonly string[];
  /** Free text; empty for none. */
  readonly other: string;
}

export const emptyChoice: Choice = { labels: [], other: '' };

export const isAnswered = (choice: Choice): boolean => choice.labels.length > 0 || choice.other.trim() !== '';

/** Question text → the chosen labels and the free text, in that order. */
export function answersOf(questions: readonly Question[], choices: readonly Choice[]): Record<string, string> {
  return Object.fromEntries(
    questions.map((question, index) => {
      const { labels, other } = choices[index] ?? emptyChoice;
      return [question.question, [...labels, ...(other.trim() ? [other.trim()] : [])].join(', ')];
    }),
  );
}
