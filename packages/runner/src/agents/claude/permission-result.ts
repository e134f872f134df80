/** A person's answer in the agent's words. */
import type { ApprovalAnswer } from '@holdfast/protocol/approval.ts';
import type { PermissionResult } from '@anthropic-ai/claude-agent-sdk';
import type { OpenPrompt } from './prompts-for-leave.ts';

export function permissionResult(prompt: OpenPrompt, answer: ApprovalAnswer): PermissionResult {
  if (answer.decision === 'deny') {
    return { behavior: 'deny', message: answer.message ?? `The person said no to ${prompt.tool}.` };
  }
  const input = answer.updatedInput ?? prompt.input;
  const updatedInput = answer.answers === undefined ? input : { ...input, answers: answer.answers };
  if (prompt.tool !== 'ExitPlanMode') return { behavior: 'allow', updatedInput };
  // The agent planned in its own read-only mode: a yes to the plan leaves it.
  const leavePlanMode = { type: 'setMode', mode: 'default', destination: 'session' } as const;
  return { behavior: 'allow', updatedInput, updatedPermissions: [leavePlanMode] };
}
