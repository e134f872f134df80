/** Rules of a person, in the transactions that make and use them. */
import { ok } from '@holdfast/protocol/error.ts';
import type { ApprovalRule } from '@holdfast/protocol/approval.ts';
import type { DecideWithRules, Store } from '@holdfast/store/store.ts';
import { describe, expect, it } from 'vitest';
import { decideOn, message, newSession, rule, time, unwrap } from './samples.ts';

export function ruleContract(current: () => Store): void {
  describe('rules', () => {
    const create = async (id: string, ownerId = 'ada') =>
      unwrap(await current().createSession(newSession(id, { ownerId }), null, decideOn({ facts: [message('x')] })));
    let commands = 0;
    const make = async (session: string, at: number, ...rules: ApprovalRule[]) =>
      unwrap(
        await current().command(
          session,
          { commandId: `rule-${(commands += 1)}`, fingerprint: 'f' },
          time(at),
          decideOn({ rules }),
        ),
      );
    /** What a decision at that moment is given. */
    const given = async (session: string, position: number, at: number, asks = true) => {
      let seen: readonly ApprovalRule[] | null = null;
      const decide: DecideWithRules = (row, rules) => {
        seen = rules;
        return ok({ ...row, facts: [], approvals: [], instructions: [] });
      };
      unwrap(await current().report(session, { source: 'out', position, asks }, time(at), decide));
      return seen;
    };

    it('APPR7: a decision is given the live rules of the session’s owner and nobody else’s', async () => {
      await create('s1');
      await create('s2', 'bob');
      const [mine, ends] = [rule('r1'), rule('r2', { expiresAt: time(10), createdAt: time(2) })];
      const bobs = rule('r3', { ownerId: 'bob' });
      await make('s1', 2, mine, ends);
      await make('s2', 2, bobs);
      expect(await given('s1', 1, 9)).toEqual([ends, mine]);
      expect(await given('s1', 2, 10)).toEqual([mine]);
      expect(await given('s2', 1, 9)).toEqual([bobs]);
      expect(await given('s1', 3, 9, false)).toEqual([]);
      let seen: readonly ApprovalRule[] = [];
      const key = { commandId: 'looks', fingerprint: 'f' };
      unwrap(
        await current().command('s1', key, time(9), (session, use, rules) => {
          seen = rules;
          return decideOn({})(session);
        }),
      );
      expect(seen).toEqual([ends, mine]);
      expect(await current().approvalRules('ada', time(9))).toEqual([ends, mine]);
      expect(await current().approvalRules('nobody', time(9))).toEqual([]);
    });

    it('APPR7: a rule taken back counts from the next decision on; another’s cannot be taken back', async () => {
      await create('s1');
      await make('s1', 2, rule('r1'));
      expect(await current().deleteApprovalRule('bob', 'r1')).toBe(false);
      expect(await given('s1', 1, 3)).toEqual([rule('r1')]);
      expect(await current().deleteApprovalRule('ada', 'r1')).toBe(true);
      expect(await current().deleteApprovalRule('ada', 'r1')).toBe(false);
      expect(await given('s1', 2, 3)).toEqual([]);
    });

    it('APPR7: made again it replaces the first; what has expired goes when another is made', async () => {
      await create('s1');
      await make('s1', 2, rule('r1'), rule('r2', { expiresAt: time(5) }));
      const longer = rule('r1', { expiresAt: time(60), createdAt: time(6) });
      await make('s1', 6, longer);
      expect(await current().approvalRules('ada', time(0))).toEqual([longer]);
    });

    it('APPR7: a refused decision makes no rule, and a workspace takes its rules along', async () => {
      await create('s1');
      const key = { commandId: 'refused', fingerprint: 'f' };
      const refused = await current().command('s1', key, time(1), () => ({
        ok: false,
        error: { kind: 'conflict', message: 'no' },
      }));
      expect(refused.ok).toBe(false);
      await make('s1', 2, rule('r1', { where: 'workspace', workspaceId: 'w1' }), rule('r2'));
      unwrap(await current().change('s1', time(3), decideOn({ facts: [message('end')], status: 'ended' })));
      unwrap(await current().deleteWorkspace('w1'));
      expect(await current().approvalRules('ada', time(3))).toEqual([rule('r2')]);
    });
  });
}
