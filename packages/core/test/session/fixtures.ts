import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { CreateSession } from '@holdfast/protocol/rest.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { apply } from '../../src/session/apply.ts';
import { create } from '../../src/session/decide.ts';
import type { CommandContext, Decision } from '../../src/session/decision.ts';

export function counter(prefix: string): () => string {
  let next = 0;
  return () => `${prefix}${(next += 1)}`;
}

export function context(newId: () => string = counter('id')): CommandContext {
  return {
    sessionId: 'session',
    at: '2026-01-01T00:00:00.000Z',
    newId,
    cwd: '/work',
    workspaceId: 'w',
    ownerId: 'u',
    rules: [],
    actor: { kind: 'user', id: 'u', name: 'Ada', device: 'laptop' },
    attached: () => null,
  };
}

export const agentBody: CreateSession = { kind: 'agent', workspaceId: 'w', agent: { provider: 'claude' } };
export const terminalBody: CreateSession = { kind: 'terminal', workspaceId: 'w' };

export function created(body: CreateSession, using = context()): Decision {
  const result = create(body, 'title', 'first', using);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

export function fold(facts: readonly FactDraft[], at = context().at): SessionState {
  let state: SessionState | null = null;
  for (const fact of facts) state = apply(state, fact, at, 'session');
  if (state === null) throw new Error('no facts');
  return state;
}

export function types(decision: Decision): string[] {
  return decision.facts.map((fact) => fact.type);
}

export const permission = (approvalId: string, turnId: string): FactDraft => ({
  type: 'approval.requested',
  data: {
    approvalId,
    turnId,
    toolCallId: `call-${approvalId}`,
    kind: 'permission',
    tool: 'Bash',
    title: 'ls',
    input: { command: 'ls' },
    scopes: ['once', 'session'],
  },
});
