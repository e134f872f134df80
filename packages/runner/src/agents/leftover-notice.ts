import type { Leftover } from '@holdfast/holder/process.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';

/** How many are named. */
const named = 8;

/** Tells in a turn's log what the agent had left running when it died, and that it is gone. */
export function leftoverNotice(turnId: string, leftovers: readonly Leftover[]): FactDraft {
  const names = leftovers.slice(0, named).map(({ pid, command }) => `${command} (process ${pid})`);
  if (leftovers.length > named) names.push('and others');
  const text = `What the agent had left running was ended: ${names.join(', ')}.`;
  return { type: 'turn.notice', data: { turnId, level: 'warning', text } };
}
