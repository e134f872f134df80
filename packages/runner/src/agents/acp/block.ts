/** The end of a block of text, and what waited for it. Pure. */
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { type AcpState, type AgentRequest, isBy, openTurnOf } from './state.ts';

/** The block under way as facts, and what waited for its end. `at`: the position they will be told at. */
export function closeBlock(state: AcpState, at: number, partial = false): { state: AcpState; facts: FactDraft[] } {
  const turn = openTurnOf(state);
  if (turn === null) return { state: { ...state, block: null }, facts: [] };
  const { block } = state;
  const facts: FactDraft[] = [];
  if (block !== null) {
    for (const [index, text] of slices(block.text, limits.messageText).entries()) {
      const blockId = index === 0 ? block.blockId : `${block.blockId}-${index}`;
      facts.push({
        type: 'message.assistant',
        data: { blockId, turnId: turn.turnId, kind: block.kind, text, ...(partial ? { partial } : {}) },
      });
    }
  }
  const spoken = block === null ? null : block.startedAt;
  const applied = applyRequests(state.requests, at, (request) => spoken !== null && isBy(request.answeredAt, spoken));
  facts.push(...applied.facts);
  for (const { level, text } of state.notices) {
    facts.push({ type: 'turn.notice', data: { turnId: turn.turnId, level, text } });
  }
  return { state: { ...state, block: null, notices: [], requests: applied.requests }, facts };
}

/** Answered requests that the agent has gone on from. */
export function applyRequests(
  requests: readonly AgentRequest[],
  at: number,
  hasGoneOn: (request: AgentRequest) => boolean,
): { requests: AgentRequest[]; facts: FactDraft[] } {
  const facts: FactDraft[] = [];
  const after = requests.map((request) => {
    const waits = request.answeredAt !== null && request.appliedAt === null && !request.automatic;
    if (!waits || request.decision === 'cancelled' || !hasGoneOn(request)) return request;
    facts.push({ type: 'approval.applied', data: { approvalId: request.approvalId } });
    return { ...request, appliedAt: at };
  });
  return { requests: after, facts };
}

/** Pieces of at most `size` UTF-16 units, no character cut in two. */
function slices(text: string, size: number): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length;) {
    const most = Math.min(text.length, from + size);
    const splitsPair = most < text.length && /[\uD800-\uDBFF]/.test(text.charAt(most - 1));
    const to = splitsPair ? most - 1 : most;
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
}
