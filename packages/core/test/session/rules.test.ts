import type { ApprovalAnswer, ApprovalRequest, ApprovalRule } from '@holdfast/protocol/approval.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { NewRule } from '@holdfast/protocol/rule.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { describe, expect, it } from 'vitest';
import { accept } from '../../src/session/accept.ts';
import { decide } from '../../src/session/decide.ts';
import type { CommandContext, Decision } from '../../src/session/decision.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { agentBody, context, created, permission, types } from './fixtures.ts';

const rule = (more: Partial<ApprovalRule> = {}): ApprovalRule => ({
  id: 'r1',
  ownerId: 'u',
  match: { kind: 'prefix', tool: 'Bash', words: ['git', 'status'] },
  where: 'everywhere',
  workspaceId: null,
  expiresAt: null,
  createdAt: '2025-12-01T00:00:00.000Z',
  createdBy: { kind: 'user', id: 'u', name: 'Ada', device: 'phone' },
  ...more,
});

const asks = (id: string, more: Partial<ApprovalRequest> = {}): FactDraft => {
  const fact = permission(id, 't1');
  if (fact.type !== 'approval.requested') throw new Error(fact.type);
  return { ...fact, data: { ...fact.data, input: { command: 'git status -s' }, ...more } };
};

/** A session whose turn runs. */
function working(mode: 'ask' | 'agent' | 'auto' = 'agent'): SessionState {
  const body = { ...agentBody, agent: { provider: 'claude', mode, prompt: 'go' } };
  const begun = created(
    body,
    context(() => 't1'),
  );
  const started: FactDraft = { type: 'turn.started', data: { turnId: 't1', generation: 1, messageId: 'first' } };
  return accept(begun.state, [started], context()).state;
}

const withRules = (...rules: ApprovalRule[]): CommandContext => ({ ...context(), rules });
const answered = (decision: Decision) => decision.facts.filter((fact) => fact.type === 'approval.answered');

function answering(state: SessionState, answer: ApprovalAnswer, using = context()) {
  return decide(state, { id: 'c', type: 'approval.answer', approvalId: 'a1', answer }, using);
}
function must(decision: ReturnType<typeof answering>): Decision {
  if (!decision.ok) throw new Error(decision.error.message);
  return decision.value;
}
const allowBy = (more: Partial<NewRule> = {}): ApprovalAnswer => ({
  decision: 'allow',
  scope: 'rule',
  rule: { match: rule().match, where: 'everywhere', ...more },
});

describe('a request that a rule allows', () => {
  it('APPR7: is answered where it is stored, by the rule, and the runner is told', () => {
    const decision = accept(working(), [asks('a1')], withRules(rule()));
    expect(types(decision)).toEqual(['approval.requested', 'approval.answered']);
    expect(answered(decision)).toEqual([
      {
        type: 'approval.answered',
        data: { approvalId: 'a1', answer: { decision: 'allow' } },
        actor: { kind: 'system', id: 'r1', name: 'the rule “Bash: git status …” of Ada' },
      },
    ]);
    expect(decision.instructions).toEqual([
      {
        type: 'approval.apply',
        sessionId: 'session',
        approvalId: 'a1',
        toolCallId: 'call-a1',
        answer: { decision: 'allow' },
      },
    ]);
    expect(decision.approvals).toMatchObject([{ id: 'a1', status: 'answered', answeredBy: { kind: 'system' } }]);
  });

  it.each([
    ['another command', asks('a1', { input: { command: 'git push' } }), {}],
    ['more than one command', asks('a1', { input: { command: 'git status; rm -rf /' } }), {}],
    ['a plan', asks('a1', { kind: 'plan' }), {}],
    ['what must be asked each time', asks('a1', { scopes: ['once'] }), {}],
    ['another workspace', asks('a1'), { where: 'workspace', workspaceId: 'other' }],
    ['an expired rule', asks('a1'), { expiresAt: context().at }],
  ] as const)('APPR7: %s is not', (_what, fact, more) => {
    const decision = accept(working(), [fact], withRules(rule(more)));
    expect(types(decision)).toEqual(['approval.requested']);
    expect(decision.instructions).toEqual([]);
  });

  it('APPR7: in its workspace, and until the moment it expires, it is', () => {
    const after = new Date(Date.parse(context().at) + 1).toISOString();
    const here = rule({ where: 'workspace', workspaceId: 'w', expiresAt: after });
    expect(answered(accept(working(), [asks('a1')], withRules(here)))).toHaveLength(1);
  });

  it('APPR7: in Ask mode no rule allows anything, also when the mode was lowered on the way', () => {
    expect(answered(accept(working('ask'), [asks('a1')], withRules(rule())))).toEqual([]);
    const lowered = decide(working(), { id: 'm', type: 'mode.set', mode: 'ask' }, context());
    if (!lowered.ok) throw new Error(lowered.error.message);
    expect(answered(accept(lowered.value.state, [asks('a1')], withRules(rule())))).toEqual([]);
  });

  it('APPR7: while the turn is being stopped nothing more is allowed', () => {
    const stopping = decide(working(), { id: 's', type: 'turn.stop' }, context());
    if (!stopping.ok) throw new Error(stopping.error.message);
    expect(answered(accept(stopping.value.state, [asks('a1')], withRules(rule())))).toEqual([]);
  });

  it('APPR1, APPR7: asked again it is not answered again', () => {
    const once = accept(working(), [asks('a1')], withRules(rule()));
    const again = accept(once.state, [asks('a1')], withRules(rule()));
    expect([again.facts, again.instructions]).toEqual([[], []]);
  });
});

describe('an answer that makes a rule', () => {
  const waiting = () => accept(working(), [asks('a1')], context()).state;

  it('APPR7: allows this once and keeps the rule; the runner hears only of this once', () => {
    const decision = must(answering(waiting(), allowBy({ expiresAt: '2026-01-02T00:00:00Z' })));
    expect(decision.rules).toEqual([
      {
        ...rule({ id: 'id1', createdAt: context().at, expiresAt: '2026-01-02T00:00:00.000Z' }),
        createdBy: context().actor,
      },
    ]);
    expect(decision.instructions).toMatchObject([{ type: 'approval.apply', answer: { decision: 'allow' } }]);
    expect(JSON.stringify(decision.instructions)).not.toContain('rule');
  });

  it('APPR7: what waits beside it is allowed by the new rule at once, what it does not match waits on', () => {
    const other = asks('a3', { input: { command: 'git push' } });
    const state = accept(working(), [asks('a1'), asks('a2'), other], context()).state;
    const decision = must(answering(state, allowBy({ where: 'workspace' })));
    expect(answered(decision).map(({ data, actor }) => [data.approvalId, actor?.kind])).toEqual([
      ['a1', 'user'],
      ['a2', 'system'],
    ]);
    expect(decision.rules[0]).toMatchObject({ where: 'workspace', workspaceId: 'w' });
  });

  it('APPR7: the same rule again is the same row', () => {
    const before = rule({ id: 'old', expiresAt: '2026-03-01T00:00:00.000Z' });
    const decision = must(answering(waiting(), allowBy(), withRules(before)));
    expect(decision.rules).toMatchObject([{ id: 'old', expiresAt: null }]);
  });

  const bad: [string, ApprovalAnswer, string][] = [
    [
      'that does not match the call',
      allowBy({ match: { kind: 'prefix', tool: 'Bash', words: ['git', 'push'] } }),
      'bad_request',
    ],
    ['for everything a shell runs', allowBy({ match: { kind: 'tool', tool: 'Bash' } }), 'bad_request'],
    ['that is over', allowBy({ expiresAt: context().at }), 'bad_request'],
    ['with a no', { ...allowBy(), decision: 'deny' }, 'bad_request'],
    ['without saying so', { decision: 'allow', rule: { match: rule().match, where: 'everywhere' } }, 'bad_request'],
    ['and none is given', { decision: 'allow', scope: 'rule' }, 'bad_request'],
    ['about a command changed into another', { ...allowBy(), updatedInput: { command: 'git push' } }, 'bad_request'],
  ];
  it.each(bad)('APPR7: a rule %s is refused, and the request waits on', (_what, answer, kind) => {
    expect(answering(waiting(), answer)).toMatchObject({ ok: false, error: { kind } });
  });

  it('APPR7: only the owner makes rules, and not without end', () => {
    const stranger = { ...context(), actor: { kind: 'user' as const, id: 'guest', name: 'Eve' } };
    expect(answering(waiting(), allowBy(), stranger)).toMatchObject({ ok: false, error: { kind: 'forbidden' } });
    const many = Array.from({ length: limits.rulesPerUser }, (_, index) =>
      rule({ id: `r${index}`, match: { kind: 'host', tool: 'WebFetch', host: `h${index}.org` } }),
    );
    expect(answering(waiting(), allowBy(), withRules(...many))).toMatchObject({
      ok: false,
      error: { kind: 'quota_exceeded' },
    });
  });
});

describe('what a request is kept with', () => {
  const kept = (more: Partial<ApprovalRequest>) => {
    const [approval] = accept(working(), [asks('a1', more)], context()).approvals;
    return approval;
  };

  it('APPR10: what it touches beyond the workspace, found by the server and not taken from the runner', () => {
    const hints = [{ kind: 'leaves' as const, to: 'made-up' }];
    expect(kept({ hints })?.hints).toBeUndefined();
    expect(kept({ input: { command: 'git push origin feat/login' } })?.hints).toEqual([
      { kind: 'leaves', to: 'origin' },
    ]);
  });

  it('APPR6: the rules that could be made of it, the driver’s own where they fit', () => {
    expect(kept({})?.suggestions).toEqual([
      { kind: 'command', tool: 'Bash', command: 'git status -s' },
      { kind: 'prefix', tool: 'Bash', words: ['git', 'status'] },
    ]);
    const own = { kind: 'prefix' as const, tool: 'Bash', words: ['git'] };
    const narrow = { kind: 'prefix' as const, tool: 'Bash', words: ['git', 'status', '-s'] };
    expect(kept({ suggestions: [own, narrow] })?.suggestions).toEqual([narrow]);
    expect(kept({ scopes: ['once'] })?.suggestions).toBeUndefined();
  });
});
