/** What every Store must do for limits and retention. */
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { SessionStatus } from '@holdfast/protocol/session.ts';
import type { Change, RetentionPlace, Store } from '@holdfast/store/store.ts';
import { describe, expect, it } from 'vitest';
import { approval, decideOn, message, newSession, readLog, time, unwrap } from './samples.ts';

const many = (count: number): FactDraft[] => Array.from({ length: count }, (_, index) => message(`fact ${index}`));

export function retentionContract(open: () => Store): void {
  const create = async (id: string, change: Partial<Change> = {}, more: Parameters<typeof newSession>[1] = {}) =>
    unwrap(
      await open().createSession(
        newSession(id, more),
        null,
        decideOn({ facts: [message('first')], status: 'active', ...change }),
      ),
    );
  /** Facts stored at time(second), one write. */
  const add = async (id: string, second: number, facts: FactDraft[], change: Partial<Change> = {}) =>
    unwrap(await open().change(id, time(second), decideOn({ facts, ...change })));

  describe('what an owner has in use', () => {
    it('LIMIT2: decisions hear how much is open and at work, counted inside their transaction', async () => {
      const store = open();
      const counted = async (id: string, ownerId: string) => {
        const seen: unknown[] = [];
        await store.createSession(newSession(id, { ownerId }), null, (blank, use) => {
          seen.push(use);
          return decideOn({ status: 'active', facts: [message('x')] })(blank);
        });
        return seen[0];
      };
      expect(await counted('s1', 'ada')).toEqual({ openSessions: 0, runningAgents: 0 });
      expect(await counted('s2', 'ada')).toEqual({ openSessions: 1, runningAgents: 0 });
      expect(await counted('s3', 'bob')).toEqual({ openSessions: 0, runningAgents: 0 });
      await create('t1', {}, { kind: 'terminal' });
      await add('s1', 1, [message('x')], { turnOpen: true });
      await store.flagSession('s2', { archived: true });
      await store.flagSession('t1', { archived: true });
      // s1, t1: an archived agent is put away, an archived terminal runs on.
      expect(await counted('s4', 'ada')).toEqual({ openSessions: 2, runningAgents: 1 });
      await add('s4', 2, [message('x')], { status: 'ended' });
      await add('s1', 3, [message('x')], { turnOpen: false });
      let use: unknown;
      const decide = decideOn({});
      await store.command('s1', { commandId: 'c', fingerprint: 'f' }, time(4), (session, seen) => {
        use = seen;
        return decide(session);
      });
      expect(use).toEqual({ runningAgents: 0 });
      expect(await counted('s5', 'ada')).toEqual({ openSessions: 2, runningAgents: 0 });
    });

    it('LIMIT5: it can be asked for', async () => {
      await create('s1', { turnOpen: true });
      await create('s2', {}, { ownerId: 'bob' });
      expect(await open().use('ada')).toEqual({ openSessions: 1, runningAgents: 1 });
      expect(await open().use('nobody')).toEqual({ openSessions: 0, runningAgents: 0 });
    });
  });

  describe('removing in steps', () => {
    it('LOG11, KEEP4: a long session goes in steps between which others are served', async () => {
      const store = open();
      await create('s1');
      await create('s2');
      await add('s1', 1, many(1_700), { approvals: [approval('a1', 's1')] });
      const deleting = store.deleteSession('s1');
      let served = 0;
      let over = false;
      const serve = async (): Promise<void> => {
        while (!over) {
          await add('s2', 2, [message('meanwhile')]);
          served += 1;
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      const serving = serve();
      expect(await deleting).toBe(true);
      over = true;
      await serving;
      expect(served).toBeGreaterThanOrEqual(3);
      expect(await store.session('s1')).toBeNull();
      expect(await store.approval('a1')).toBeNull();
      await create('s1');
      expect(await readLog(store, 's1')).toHaveLength(1);
    });

    it('KEEP2: whether it may go is asked in every step, and what is left is in order', async () => {
      const store = open();
      await create('s1');
      await add('s1', 1, many(1_999));
      let asked = 0;
      expect(await store.deleteSession('s1', () => (asked += 1) < 3)).toBe(false);
      const page = await store.factsAfter('s1', 0, 1);
      expect(page).toMatchObject({ oldestSeq: 1_001, lastSeq: 2_000, facts: [{ seq: 1_001 }] });
      expect(await store.deleteSession('none', () => true)).toBe(false);
    });

    it('KEEP3: the front is cut off in one piece, and seq goes on from oldestSeq', async () => {
      const store = open();
      await create('s1');
      const fresh = { status: 'pending' as const, requestedAt: time(2) };
      await add('s1', 1, many(1_400), {
        approvals: [
          approval('done', 's1', { status: 'applied', requestedAt: time(1) }),
          approval('open', 's1', { requestedAt: time(1) }),
          approval('late', 's1', { ...fresh, status: 'expired' }),
        ],
      });
      await add('s1', 2, many(10));
      const trimmed = await store.trimFacts('s1', (session, front) => {
        expect(front[0]?.seq).toBe(session.oldestSeq);
        expect(front.length).toBeLessThanOrEqual(500);
        return Math.min(1_201, (front.at(-1)?.seq ?? 0) + 1);
      });
      expect(trimmed).toMatchObject({ removed: 1_200, session: { oldestSeq: 1_201, lastSeq: 1_411 } });
      const page = await store.factsAfter('s1', 1_200, 500);
      expect(page?.facts.map((fact) => fact.seq)).toEqual(Array.from({ length: 211 }, (_, index) => index + 1_201));
      expect(page?.oldestSeq).toBe(1_201);
      expect((await add('s1', 3, [message('next')])).facts[0]?.seq).toBe(1_412);
      expect(await store.approval('done')).toBeNull();
      expect(await store.approval('open')).not.toBeNull();
      expect(await store.approval('late')).not.toBeNull();
      expect(await store.trimFacts('s1', (session) => session.oldestSeq)).toMatchObject({ removed: 0 });
      expect(await store.trimFacts('none', () => 99)).toEqual({ removed: 0, session: null });
    });

    it('KEEP3: no cut goes beyond what was looked at', async () => {
      const store = open();
      await create('s1');
      await add('s1', 1, many(9));
      const cuts: number[] = [];
      await store.trimFacts('s1', (session, front) => {
        cuts.push(front.length);
        return session.oldestSeq > 1 ? 0 : 1_000;
      });
      expect(cuts).toEqual([10, 0]);
      expect(await store.factsAfter('s1', 0, 9)).toEqual({ facts: [], lastSeq: 10, oldestSeq: 11 });
    });

    it('KEEP5: a repeat is known until its receipt is older than asked for', async () => {
      const store = open();
      await create('s1');
      const command = (commandId: string, second: number) =>
        store.command('s1', { commandId, fingerprint: 'f' }, time(second), decideOn({}));
      for (let index = 0; index < 600; index += 1) unwrap(await command(`old-${index}`, 1));
      unwrap(await command('new', 100));
      const key = { commandId: 'k', fingerprint: 'f' };
      const made = (id: string, second: number) =>
        store.createSession(newSession(id, { at: time(second) }), key, decideOn({ facts: [message('x')] }));
      unwrap(await made('s2', 1));
      expect(await store.pruneReceipts(time(1))).toBe(0);
      expect(await store.pruneReceipts(time(50))).toBe(601);
      expect(await store.pruneReceipts(time(50))).toBe(0);
      expect(unwrap(await command('new', 101)).repeated).toBe(true);
      expect(unwrap(await command('old-0', 101)).repeated).toBe(false);
      expect(unwrap(await made('s3', 101)).repeated).toBe(false);
    });
  });

  describe('candidates', () => {
    it('KEEP1: sessions that may have something old are found once each, oldest activity first', async () => {
      const store = open();
      const statuses: SessionStatus[] = ['ended', 'active', 'failed'];
      for (const [index, status] of statuses.entries()) await create(`s${index}`, { status });
      await add('s1', 500, many(30));
      await create('new', {}, { at: time(200) });
      await create('bob', {}, { ownerId: 'bob' });
      const found: string[] = [];
      let after: RetentionPlace | null = null;
      do {
        const page: Awaited<ReturnType<Store['retentionCandidates']>> = await store.retentionCandidates({
          before: time(100),
          ownerId: 'ada',
          after,
          limit: 2,
        });
        found.push(...page.candidates.map((candidate) => candidate.id));
        after = page.next;
      } while (after !== null);
      expect(found).toEqual(['s0', 's2', 's1']);
      const all = await store.retentionCandidates({ before: time(100), after: null, limit: 9 });
      expect(all.next).toBeNull();
      expect(all.candidates.map((candidate) => candidate.id)).toEqual(['bob', 's0', 's2', 's1']);
      expect(all.candidates.at(-1)).toMatchObject({ lastSeq: 31, oldestSeq: 1, turnOpen: false, pinned: false });
      expect(all.candidates.at(-1)?.factBytes).toBeGreaterThan(100);
    });

    it('KEEP1: old facts are counted', async () => {
      const store = open();
      await create('s1');
      for (let second = 1; second <= 20; second += 1) await add('s1', second, many(3));
      expect(await store.factsOlderThan('s1', time(0))).toBe(0);
      expect(await store.factsOlderThan('s1', time(11))).toBe(31);
      expect(await store.factsOlderThan('s1', time(99))).toBe(61);
      await store.trimFacts('s1', (session) => Math.max(11, session.oldestSeq));
      expect(await store.factsOlderThan('s1', time(11))).toBe(21);
      expect(await store.factsOlderThan('none', time(11))).toBe(0);
    });
  });
}
