/** What began before the part of a log that was read and is still open, as the session's state tells it. */
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { isInBackground } from '../session/turns.ts';
import { type ApprovalItem, type ToolCallItem, itemKey } from './transcript-item.ts';

interface CarriedItem {
  readonly item: ApprovalItem | ToolCallItem;
  readonly parentToolCallId?: string | undefined;
}

/** Oldest first, a call before what runs inside of it. Their seq is 0: the state does not tell it. */
export function carriedItems({ agent }: SessionState, facts: readonly Fact[]): CarriedItem[] {
  if (agent === null) return [];
  const told = new Set<string>();
  for (const fact of facts) {
    if (fact.type === 'tool.started') told.add(itemKey.tool(fact.data.toolCallId));
    else if (fact.type === 'approval.requested' || fact.type === 'question.requested') {
      told.add(itemKey.approval(fact.data.approvalId));
    }
  }
  const tools = Object.entries(agent.tools)
    // One left over from an earlier turn is not known to run, unless it goes on in the background.
    .filter(([toolCallId, tool]) => tool.turnId === agent.turn?.turnId || isInBackground(agent.tools, toolCallId))
    .map(([toolCallId, { tool, turnId, title = tool, startedAt = '', parentToolCallId }]): CarriedItem => {
      const call = { toolCallId, turnId, tool, title, input: {} };
      const open = { state: 'running', output: null, diff: null, finishedAt: null, children: [] } as const;
      const key = itemKey.tool(toolCallId);
      return { item: { type: 'tool', key, seq: 0, at: startedAt, ...call, ...open }, parentToolCallId };
    });
  const approvals = Object.values(agent.approvals).map((approval): CarriedItem => {
    const { id, sessionId: _sessionId, requestedAt, questions = [], ...request } = approval;
    const { answer = null, answeredBy = null, answeredAt = null, ...asked } = request;
    const key = itemKey.approval(id);
    const answered = { answer, answeredBy, answeredAt, expiredReason: null };
    return {
      item: { type: 'approval', key, seq: 0, at: requestedAt, approvalId: id, ...asked, questions, ...answered },
    };
  });
  return [...tools, ...approvals]
    .filter(({ item }) => !told.has(item.key))
    .sort((a, b) => (a.item.at < b.item.at ? -1 : a.item.at > b.item.at ? 1 : 0));
}
