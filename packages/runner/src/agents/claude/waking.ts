/** What makes Claude Code begin a turn that nobody sent a message for, in words for a person. */
import type { TurnCause } from '@holdfast/protocol/session.ts';
import type { AgentMessage } from './message.ts';

const longestTitle = 300;

type TaskNotification = Extract<AgentMessage, { subtype: 'task_notification' }>;

/** tasks: what is known to run in the background, by task. */
export function backgroundCause(
  { task_id: taskId, status, summary = '', summary_is_report: isReport = false }: TaskNotification,
  tasks: Readonly<Record<string, string>>,
): TurnCause {
  const name = tasks[taskId];
  const who = name === undefined ? 'a sub-agent in the background' : `the sub-agent “${name}”`;
  const title = isReport || summary === '' ? `${who} has ${endWords[status] ?? 'ended'}` : asClause(summary);
  return { kind: 'background', title: title.slice(0, longestTitle) };
}

export const alarmCause: TurnCause = { kind: 'schedule' };

const endWords: Readonly<Record<string, string>> = { completed: 'completed its task', failed: 'failed' };

/** One line that can stand behind a colon. */
function asClause(summary: string): string {
  const line = summary.trim().replace(/\s+/g, ' ').replace(/\.$/, '');
  return line.charAt(0).toLowerCase() + line.slice(1);
}
