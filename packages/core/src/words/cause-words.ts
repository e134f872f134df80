/** What began a turn that no message began. */
import type { TurnCause } from '@holdfast/protocol/session.ts';

export function causeWords({ kind, title }: TurnCause): string {
  const what = {
    background: 'work in the background has ended',
    schedule: 'an alarm it had set went off',
    unknown: null,
  }[kind];
  const why = title ?? what;
  return `The agent went on by itself${why === null ? '' : `: ${why}`}.`;
}
