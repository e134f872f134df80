import type { Approval } from '@holdfast/protocol/approval.ts';
import type { FactData, FactDraft } from '@holdfast/protocol/fact.ts';
import type { AgentState, SessionState } from '@holdfast/protocol/session-state.ts';
import { kinds } from './kinds.ts';
import { withUsage } from './usage.ts';

/**
 * The state after one more fact. Total: a fact that does not fit (a tool's end nobody saw begin) changes nothing.
 * at: when the fact was stored, ISO 8601; sessionId: for the approvals' rows.
 */
export function apply(state: SessionState | null, fact: FactDraft, at: string, sessionId: string): SessionState {
  if (fact.type === 'session.created') return created(fact);
  if (state === null) throw new Error(`a log begins with session.created, not ${fact.type}`);
  switch (fact.type) {
    case 'session.started':
      return { ...state, generation: fact.data.generation };
    case 'session.renamed':
      return { ...state, title: fact.data.title };
    case 'session.stopping':
      return { ...state, stopping: true };
    case 'session.ended':
      return { ...state, end: 'ended', stopping: false };
    case 'session.failed':
      return { ...state, end: 'failed', stopping: false, error: fact.data.error };
    case 'driver.changed':
      return { ...state, driver: fact.data.driver, everDriven: true };
    case 'terminal.resized':
      return state.terminal === null ? state : { ...state, terminal: { ...state.terminal, ...fact.data } };
    case 'terminal.exited':
      return state.terminal === null ? state : { ...state, terminal: { ...state.terminal, exit: fact.data } };
    case 'terminal.recording.started':
      return state.terminal === null
        ? state
        : { ...state, terminal: { ...state.terminal, recording: { id: fact.data.recordingId, since: at } } };
    case 'terminal.recording.ended': {
      if (state.terminal?.recording?.id !== fact.data.recordingId) return state;
      const { recording: _, ...terminal } = state.terminal;
      return { ...state, terminal };
    }
    default: {
      if (state.agent === null) return state;
      const agent = applyToAgent(state.agent, fact, at, sessionId);
      return agent === state.agent ? state : { ...state, agent };
    }
  }
}

function created({ data }: Extract<FactDraft, { type: 'session.created' }>): SessionState {
  const { kind, title } = data;
  const state = { kind, title, generation: 0, end: 'none', stopping: false, error: null } as const;
  return { ...state, driver: null, everDriven: false, ...kinds[kind].initial(data) };
}

function applyToAgent(agent: AgentState, fact: FactDraft, at: string, sessionId: string): AgentState {
  switch (fact.type) {
    case 'message.user':
      return fact.data.turnId === null ? agent : dispatched(agent, fact.data.turnId, fact.data.messageId, at);
    case 'queue.changed': {
      const { queue, taken } = fact.data;
      return taken === undefined
        ? { ...agent, queue }
        : { ...dispatched(agent, taken.turnId, taken.messageId, at), queue };
    }
    case 'turn.started':
      return started(agent, fact.data, at);
    case 'turn.stopping':
      return agent.turn?.turnId !== fact.data.turnId ? agent : { ...agent, turn: { ...agent.turn, phase: 'stopping' } };
    case 'turn.ended':
      if (agent.nextTurn?.turnId === fact.data.turnId) return { ...agent, nextTurn: null };
      return agent.turn?.turnId !== fact.data.turnId
        ? agent
        : {
            ...agent,
            turn: agent.nextTurn,
            nextTurn: null,
            endedTurn: { turnId: agent.turn.turnId, generation: agent.turn.generation },
          };
    case 'turn.interrupted':
      if (fact.data.reason === 'discarded') return { ...agent, interruptedTurnId: null, interruption: null };
      if (agent.turn?.turnId !== fact.data.turnId) return agent;
      // The next message is on its way: that settles it.
      if (agent.nextTurn !== null) return { ...agent, turn: agent.nextTurn, nextTurn: null, endedTurn: null };
      return {
        ...agent,
        turn: null,
        endedTurn: null,
        interruptedTurnId: fact.data.turnId,
        interruption: { reason: fact.data.reason, tool: fact.data.tool ?? null },
      };
    case 'tool.started': {
      const { toolCallId, input: _input, ...tool } = fact.data;
      return { ...agent, tools: { ...agent.tools, [toolCallId]: { ...tool, startedAt: at } } };
    }
    case 'tool.finished':
      return { ...agent, tools: without(agent.tools, fact.data.toolCallId) };
    case 'approval.requested':
    case 'question.requested': {
      const { approvalId, ...request } = fact.data;
      // Asked again: the same one, as it stands.
      if (agent.approvals[approvalId] !== undefined) return agent;
      const approval: Approval = { ...request, id: approvalId, sessionId, status: 'pending', requestedAt: at };
      return { ...agent, approvals: { ...agent.approvals, [approvalId]: approval } };
    }
    case 'approval.answered':
    case 'question.answered': {
      const open = agent.approvals[fact.data.approvalId];
      if (open === undefined) return agent;
      const answered: Approval = { ...open, status: 'answered', answer: fact.data.answer, answeredAt: at };
      if (fact.actor !== undefined) answered.answeredBy = fact.actor;
      return { ...agent, approvals: { ...agent.approvals, [open.id]: answered } };
    }
    case 'approval.applied':
    case 'approval.expired':
      return { ...agent, approvals: without(agent.approvals, fact.data.approvalId) };
    case 'mode.changed':
      return { ...agent, mode: fact.data.mode };
    case 'model.changed':
      return { ...agent, model: fact.data.model };
    case 'usage':
      return withUsage(agent, fact.data);
    case 'agent.conversation':
      return { ...agent, conversationId: fact.data.conversationId };
    default:
      return agent;
  }
}

/** A message is on its way to the runner. Writing on past an interruption settles it. */
function dispatched(agent: AgentState, turnId: string, messageId: string, at: string): AgentState {
  return {
    ...agent,
    turn: { turnId, messageId, generation: 0, phase: 'dispatched', since: at },
    interruptedTurnId: null,
    interruption: null,
  };
}

/** One that is on its way stands behind a turn that the agent begins by itself. */
function started(agent: AgentState, turn: FactData<'turn.started'>, at: string): AgentState {
  const known = agent.turn?.turnId === turn.turnId ? agent.turn : null;
  // Stop may have been asked for before the agent took the turn up.
  const phase = known?.phase === 'stopping' ? 'stopping' : 'running';
  const nextTurn = known === null ? (agent.turn ?? agent.nextTurn) : agent.nextTurn;
  return { ...agent, turn: { ...turn, phase, since: at }, nextTurn };
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Readonly<Record<string, T>> {
  if (!(key in record)) return record;
  const { [key]: _removed, ...rest } = record;
  return rest;
}
