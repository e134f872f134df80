import type { ApprovalAnswer } from '@holdfast/protocol/approval.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HoldfastApplication } from '../../src/application/holdfast-application.ts';
import { ScriptedRunner, login, must, openApplication, stranger } from './fixtures.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let application: HoldfastApplication;
let runner: ScriptedRunner;
let close: () => Promise<void>;
/** Milliseconds since 1970: the server's clock. */
let now: number;

beforeEach(async () => {
  directory = temporaryDirectory();
  now = Date.UTC(2026, 0, 1);
  const opened = await openApplication(directory.path, { time: () => new Date(now).toISOString() });
  application = opened.application;
  runner = new ScriptedRunner(application);
  await application.whenReady();
  close = async () => {
    application.close();
    await opened.store.close();
  };
});
afterEach(async () => {
  await close();
  directory[Symbol.dispose]();
});

interface Working {
  readonly id: string;
  readonly turnId: string;
}

async function working(path = '/w'): Promise<Working> {
  const known = must(await application.workspaces(login)).find((one) => one.path === path);
  const workspace = known ?? must(await application.createWorkspace(login, { path }));
  const body = { kind: 'agent' as const, workspaceId: workspace.id, agent: { provider: 'demo', prompt: 'go' } };
  const { id } = must(await application.createSession(login, body, null)).session;
  const start = await eventually('delivered', () =>
    runner.deliveries.find(({ instruction: { type, sessionId } }) => type === 'turn.start' && sessionId === id),
  );
  const turnId = start.instruction.type === 'turn.start' ? start.instruction.turnId : '';
  runner.report(id, 'deliveries', start.deliveryId, [
    { type: 'turn.started', data: { turnId, generation: 1, messageId: 'm' } },
  ]);
  return { id, turnId };
}

let positions = 0;
/** The agent asks; resolves once that is stored. */
async function asks({ id, turnId }: Working, approvalId: string, command: string) {
  runner.report(id, 'out:p', (positions += 1), [
    {
      type: 'approval.requested',
      data: {
        approvalId,
        turnId,
        toolCallId: approvalId,
        kind: 'permission',
        tool: 'Bash',
        title: command,
        input: { command },
        scopes: ['once', 'session'],
      },
    },
  ]);
  return eventually('asked', async () => {
    const approval = await application.approval(login, approvalId);
    return approval.ok && approval.value;
  });
}

let commands = 0;
const answer = (session: Working, approvalId: string, given: ApprovalAnswer) =>
  application.command(login, session.id, {
    id: `c${(commands += 1)}`,
    type: 'approval.answer',
    approvalId,
    answer: given,
  });
const byRule = (where: 'workspace' | 'everywhere', expiresAt: string | null = null): ApprovalAnswer => ({
  decision: 'allow',
  scope: 'rule',
  rule: { match: { kind: 'prefix', tool: 'Bash', words: ['git', 'status'] }, where, expiresAt },
});
const applied = (approvalId: string) =>
  runner.deliveries.filter(
    ({ instruction }) => instruction.type === 'approval.apply' && instruction.approvalId === approvalId,
  );

describe('a rule of a person', () => {
  it('APPR7: allows the next such call without asking, in the same transaction, and the runner is told', async () => {
    const one = await working();
    await asks(one, 'a1', 'git status');
    must(await answer(one, 'a1', byRule('everywhere')));
    const two = await working('/elsewhere');
    expect(await asks(two, 'a2', 'git status -s')).toMatchObject({
      status: 'answered',
      answer: { decision: 'allow' },
      answeredBy: { kind: 'system', name: 'the rule “Bash: git status …” of Ada' },
    });
    await eventually('told', () => applied('a2').length === 1);
    const page = must(await application.events(login, two.id, { after: 0, limit: 100 }));
    const seqs = page.events.flatMap(({ type, seq, at }) => (/^approval/.test(type) ? [{ type, seq, at }] : []));
    expect(seqs.map(({ type }) => type)).toEqual(['approval.requested', 'approval.answered']);
    expect(seqs[1]?.seq).toBe((seqs[0]?.seq ?? 0) + 1);
    // A person who is late is told that the rule was first.
    expect(await answer(two, 'a2', { decision: 'deny' })).toMatchObject({
      error: { kind: 'already_answered', details: { answeredBy: { kind: 'system' } } },
    });
    expect(await asks(two, 'a3', 'git status && rm -rf /')).toMatchObject({ status: 'pending' });
  });

  it('APPR7: of one workspace counts there only', async () => {
    const [here, there] = [await working('/here'), await working('/there')];
    await asks(here, 'a1', 'git status');
    must(await answer(here, 'a1', byRule('workspace')));
    expect(await asks(there, 'a2', 'git status')).toMatchObject({ status: 'pending' });
    expect(await asks(await working('/here'), 'a3', 'git status')).toMatchObject({ status: 'answered' });
  });

  it('APPR7: ends at its moment on the server’s clock, and when it is taken back, both at once', async () => {
    const session = await working();
    await asks(session, 'a1', 'git status');
    const inAnHour = new Date(now + 3_600_000).toISOString();
    must(await answer(session, 'a1', byRule('everywhere', inAnHour)));
    now += 3_599_999;
    expect(await asks(session, 'a2', 'git status')).toMatchObject({ status: 'answered' });
    expect(must(await application.approvalRules(login))).toMatchObject([{ expiresAt: inAnHour, ownerId: 'owner' }]);
    now += 1;
    expect(await asks(session, 'a3', 'git status')).toMatchObject({ status: 'pending' });
    expect(must(await application.approvalRules(login))).toEqual([]);
    must(await answer(session, 'a3', byRule('everywhere')));
    expect(await asks(session, 'a4', 'git status')).toMatchObject({ status: 'answered' });
    const [rule] = must(await application.approvalRules(login));
    expect(await application.deleteApprovalRule(stranger, rule?.id ?? '')).toMatchObject({
      error: { kind: 'not_found' },
    });
    must(await application.deleteApprovalRule(login, rule?.id ?? ''));
    expect(await asks(session, 'a5', 'git status')).toMatchObject({ status: 'pending' });
    expect(must(await application.approvalRules(stranger))).toEqual([]);
  });

  it('LOG4, APPR7: an answer sent again makes no second rule', async () => {
    const session = await working();
    await asks(session, 'a1', 'git status');
    const command = { id: 'same', type: 'approval.answer' as const, approvalId: 'a1', answer: byRule('everywhere') };
    const first = must(await application.command(login, session.id, command));
    expect(must(await application.command(login, session.id, command))).toEqual(first);
    expect(must(await application.approvalRules(login))).toHaveLength(1);
  });
});

describe('several answers at once', () => {
  it('APPR8: each is its own compare-and-set: some are taken, others refused, and a repeat changes nothing', async () => {
    const [one, two] = [await working('/one'), await working('/two')];
    await asks(one, 'a1', 'make');
    await asks(two, 'a2', 'make');
    await asks(two, 'a3', 'make');
    must(await answer(two, 'a2', { decision: 'deny' }));
    const answers = ['a1', 'a2', 'a3', 'nobody'].map((approvalId) => ({
      approvalId,
      id: `batch-${approvalId}`,
      decision: 'allow' as const,
    }));
    const expected = [
      { approvalId: 'a1', id: 'batch-a1', receipt: { commandId: 'batch-a1', status: 'stored' } },
      { approvalId: 'a2', error: { kind: 'already_answered', details: { answeredBy: { name: 'Ada' } } } },
      { approvalId: 'a3', receipt: { commandId: 'batch-a3' } },
      { approvalId: 'nobody', error: { kind: 'not_found' } },
    ];
    const first = must(await application.answerApprovals(login, { answers }));
    expect(first.results).toMatchObject(expected);
    expect(must(await application.answerApprovals(login, { answers })).results).toEqual(first.results);
    await eventually('told', () => applied('a1').length === 1 && applied('a3').length === 1);
    const foreign = must(await application.answerApprovals(stranger, { answers }));
    expect(foreign.results.every((result) => 'error' in result && result.error.kind === 'not_found')).toBe(true);
  });

  it('APPR2, APPR8: two devices that answer the same ones at the same moment: each is taken from one of them', async () => {
    const session = await working();
    const ids = Array.from({ length: 20 }, (_, index) => `a${index}`);
    for (const id of ids) await asks(session, id, `make ${id}`);
    const from = (device: string, decision: 'allow' | 'deny') =>
      application.answerApprovals(
        { ...login, device },
        { answers: ids.map((approvalId) => ({ approvalId, id: `${device}-${approvalId}`, decision })) },
      );
    const [phone, laptop] = (await Promise.all([from('phone', 'allow'), from('laptop', 'deny')])).map(must);
    for (const [index, approvalId] of ids.entries()) {
      const both = [phone?.results[index], laptop?.results[index]];
      expect(both.filter((result) => result !== undefined && 'receipt' in result)).toHaveLength(1);
      const winner = both[0] !== undefined && 'receipt' in both[0] ? 'phone' : 'laptop';
      expect(both.find((result) => result !== undefined && 'error' in result)).toMatchObject({
        error: { kind: 'already_answered', details: { answeredBy: { name: 'Ada', device: winner } } },
      });
      expect(must(await application.approval(login, approvalId)).answeredBy?.device).toBe(winner);
    }
  });
});
