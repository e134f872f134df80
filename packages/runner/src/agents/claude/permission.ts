/** Who decides about a tool: the mode of the session, what was allowed before, or the person. Pure. */
import type { ApprovalKind, ApprovalScope, Question } from '@holdfast/protocol/approval.ts';
import type { AgentMode } from '@holdfast/protocol/session.ts';
import { questionSchema } from '@holdfast/protocol/approval.ts';
import { z } from 'zod';
import { sessionGrant } from '../session-grant.ts';

type Input = Readonly<Record<string, unknown>>;

export type Verdict =
  | { readonly decision: 'ask' | 'allow' }
  /** message: told to the agent. */
  | { readonly decision: 'deny'; readonly message: string };

/** Tools that change nothing outside the conversation. The agent asks for them only in special places. */
const readingTools: ReadonlySet<string> = new Set(['Read', 'Glob', 'Grep', 'LS', 'NotebookRead']);
/** Tools that only steer the agent itself. */
const innerTools: ReadonlySet<string> = new Set(['EnterPlanMode', 'TodoWrite', 'ToolSearch']);
/** Tools for the agent's own sub-agents and tasks: whatever those do is decided for itself. */
const delegatingTools: ReadonlySet<string> = new Set([
  ...['Agent', 'Task', 'ListAgents', 'SendMessage', 'ReportFindings', 'TaskCreate', 'TaskUpdate', 'TaskList'],
  ...['TaskGet', 'TaskOutput', 'TaskStop', 'BashOutput', 'KillShell'],
]);
/** What Ask mode does not forbid. */
export const harmlessTools: ReadonlySet<string> = new Set([...readingTools, ...innerTools, ...delegatingTools]);

export function decidePermission(
  mode: AgentMode,
  allowedTools: readonly string[],
  tool: string,
  input: Input,
): Verdict {
  if (tool === 'AskUserQuestion') return { decision: 'ask' };
  if (mode === 'auto' || innerTools.has(tool)) return { decision: 'allow' };
  if (tool === 'ExitPlanMode') return { decision: 'ask' };
  if (mode === 'ask' && !harmlessTools.has(tool)) {
    return {
      decision: 'deny',
      message:
        `${tool} was not run: this session is in Ask mode, where you may only read. ` +
        'Say what you would do; the person can switch to Agent mode.',
    };
  }
  return { decision: allowedTools.includes(sessionGrant(tool, input)) ? 'allow' : 'ask' };
}

export function approvalKind(tool: string): ApprovalKind {
  if (tool === 'AskUserQuestion') return 'question';
  return tool === 'ExitPlanMode' ? 'plan' : 'permission';
}

/** onceOnly: the agent says that this request must not be allowed for longer. */
export const approvalScopes = (kind: ApprovalKind, onceOnly: boolean): ApprovalScope[] =>
  kind === 'permission' && !onceOnly ? ['once', 'session'] : ['once'];

const questionsSchema = z.object({
  questions: z.array(questionSchema.extend({ multiSelect: z.boolean().default(false) })),
});

export function questionsOf(input: Input): Question[] {
  const parsed = questionsSchema.safeParse(input);
  return parsed.success ? parsed.data.questions : [];
}

/** The input's members that say best what the tool will do, the best first. */
const tellingMembers = ['command', 'file_path', 'notebook_path', 'pattern', 'url', 'query', 'description', 'plan'];
const longestTitle = 300;

/** One line a person can read. */
export function toolTitle(tool: string, input: Input): string {
  const [question] = tool === 'AskUserQuestion' ? questionsOf(input) : [];
  const telling = tellingMembers.map((name) => input[name]).find((value) => typeof value === 'string' && value !== '');
  const text = question?.question ?? (telling as string | undefined) ?? tool;
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > longestTitle ? `${line.slice(0, longestTitle - 1)}…` : line;
}
