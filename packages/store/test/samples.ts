/** Small values of every kind a store keeps. Times are counted in seconds from one fixed moment. */
import type { Approval, ApprovalRule } from '@holdfast/protocol/approval.ts';
import { ok } from '@holdfast/protocol/error.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { Instruction } from '@holdfast/protocol/runner.ts';
import type { KeptScreen } from '@holdfast/protocol/screen.ts';
import type { Workspace } from '@holdfast/protocol/workspace.ts';
import type { Change, Decide, NewSession, Store } from '@holdfast/store/store.ts';

export const time = (second: number): string => new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString();

export const workspace: Workspace = {
  id: 'w1',
  name: 'Project',
  path: '/home/somebody/project',
  runnerId: 'r1',
  ownerId: 'ada',
  createdAt: time(0),
};

export const newSession = (id: string, more: Partial<NewSession> = {}): NewSession => ({
  id,
  kind: 'agent',
  workspaceId: 'w1',
  ownerId: 'ada',
  runnerId: 'r1',
  at: time(0),
  ...more,
});

export const message = (text: string): FactDraft => ({
  type: 'message.user',
  actor: { kind: 'user', id: 'ada' },
  data: { messageId: `m-${text.length}`, turnId: null, text },
});

export const instruction = (sessionId: string, data: string): Instruction => ({
  type: 'terminal.write',
  sessionId,
  data,
});

export const screen = (text: string): KeptScreen => ({ offset: 7, cols: 80, rows: 24, ansi: `\u001b[1m${text}`, text });

export const approval = (id: string, sessionId: string, more: Partial<Approval> = {}): Approval => ({
  id,
  sessionId,
  turnId: 't1',
  toolCallId: 'call1',
  kind: 'permission',
  tool: 'Bash',
  title: 'rm -r build',
  input: { command: 'rm -r build' },
  scopes: ['once'],
  status: 'pending',
  requestedAt: time(1),
  ...more,
});

/** The state is the number of facts: the smallest fold there is. */
export const countOf = (state: unknown): number => (state as { count: number } | null)?.count ?? 0;

/** Decides for `change` with a state that counts the facts; what is not given stays as it is. */
export const decideOn =
  (change: Partial<Change>): Decide =>
  (session): Result<Change> =>
    ok({
      facts: [],
      approvals: [],
      instructions: [],
      title: session.title,
      status: session.status,
      ...change,
      state: { count: countOf(session.state) + (change.facts?.length ?? 0) },
    });

/** The whole log, by pages of 7. */
export async function readLog(store: Store, sessionId: string) {
  const facts = [];
  for (let after = 0; ;) {
    const page = await store.factsAfter(sessionId, after, 7);
    const last = page?.facts.at(-1);
    if (!page || !last) return facts;
    facts.push(...page.facts);
    after = last.seq;
  }
}

export function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.kind}: ${result.error.message}`);
  return result.value;
}

export const rule = (id: string, more: Partial<ApprovalRule> = {}): ApprovalRule => ({
  id,
  ownerId: 'ada',
  match: { kind: 'prefix', tool: 'Bash', words: ['git', 'status'] },
  where: 'everywhere',
  workspaceId: null,
  expiresAt: null,
  createdAt: time(1),
  createdBy: { kind: 'user', id: 'ada', name: 'Ada' },
  ...more,
});
