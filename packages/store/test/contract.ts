/** What every Store must do, whatever it stands on. */
import { fail } from '@holdfast/protocol/error.ts';
import type { Store } from '@holdfast/store/store.ts';
import { beforeEach, afterEach, describe, expect, it, vi } from 'vitest';
import { concurrencyContract } from './concurrency.ts';
import { listContract } from './lists.ts';
import { retentionContract } from './retention.ts';
import { ruleContract } from './rules.ts';
import {
  approval,
  decideOn,
  instruction,
  message,
  newSession,
  readLog,
  screen,
  time,
  unwrap,
  workspace,
} from './samples.ts';

/** A store on data of its own. */
export interface OpenedStore {
  readonly store: Store;
  /** Closes the store and opens one on the same data. */
  reopen(): Promise<OpenedStore>;
  /** Closes the store and removes the data. */
  dispose(): Promise<void>;
}

export type OpenStore = () => Promise<OpenedStore>;

export function storeContract(name: string, open: OpenStore): void {
  describe(`store on ${name}`, () => {
    let opened: OpenedStore;
    let store: Store;
    beforeEach(async () => {
      opened = await open();
      store = opened.store;
      unwrap(await store.createWorkspace(workspace));
    });
    afterEach(() => opened.dispose());

    const create = async (id: string) =>
      unwrap(
        await store.createSession(newSession(id), null, decideOn({ facts: [message('first')], status: 'active' })),
      );
    const key = (commandId: string, fingerprint = 'f') => ({ commandId, fingerprint });

    describe('writing a session', () => {
      it('LOG1: seq begins at 1, grows by 1 and every fact keeps its time, actor and data', async () => {
        const created = await create('s1');
        expect(created.session).toMatchObject({ lastSeq: 1, oldestSeq: 1, status: 'active', createdAt: time(0) });
        const facts = [message('two'), message('three, ünïcødé, \u0000 and "quotes"')];
        const written = unwrap(await store.command('s1', key('c1'), time(5), decideOn({ facts })));
        expect(written.facts).toEqual([
          { seq: 2, at: time(5), ...facts[0] },
          { seq: 3, at: time(5), ...facts[1] },
        ]);
        expect(written.session).toMatchObject({ lastSeq: 3, lastActivityAt: time(5), state: { count: 3 } });
        expect(await store.session('s1')).toEqual(written.session);
        expect(await readLog(store, 's1')).toEqual([...created.facts, ...written.facts]);
      });

      it('LOG1: a change of a thousand facts keeps its order', async () => {
        await create('s1');
        const facts = Array.from({ length: 1_000 }, (_, index) => message(`fact ${index}`));
        unwrap(await store.report('s1', { source: 'stdout', position: 1 }, time(1), decideOn({ facts })));
        const log = await readLog(store, 's1');
        expect(log.map((fact) => fact.seq)).toEqual(Array.from({ length: 1_001 }, (_, index) => index + 1));
        expect(log.slice(1).map((fact) => fact.data)).toEqual(facts.map((fact) => fact.data));
      });

      it('LOG2: facts, row, approvals, instructions, screen and receipt land together', async () => {
        await create('s1');
        const change = {
          facts: [message('x')],
          title: 'A title',
          status: 'waiting' as const,
          approvals: [approval('a1', 's1')],
          instructions: [instruction('s1', 'one'), instruction('s1', 'two')],
          screen: screen('last'),
        };
        const written = unwrap(await store.command('s1', key('c1'), time(1), decideOn(change)));
        store = (opened = await opened.reopen()).store;
        expect(await store.session('s1')).toEqual(written.session);
        expect(written.session).toMatchObject({ title: 'A title', status: 'waiting', lastSeq: 2 });
        expect(await store.approval('a1')).toEqual(approval('a1', 's1'));
        expect(await store.screen('s1')).toEqual(screen('last'));
        expect(await store.deliveries('r1', 0, 10)).toEqual(written.deliveries);
        expect(written.deliveries.map((delivery) => delivery.instruction)).toEqual(change.instructions);
      });

      const everything = decideOn({
        facts: [message('x')],
        approvals: [approval('a1', 's1')],
        instructions: [instruction('s1', 'one')],
        screen: screen('x'),
      });
      const nothingWritten = async (before: unknown) => {
        expect(await store.session('s1')).toEqual(before);
        expect(await readLog(store, 's1')).toHaveLength(1);
        expect(await store.approvals({ limit: 9 })).toEqual([]);
        expect(await store.deliveries('r1', 0, 10)).toEqual([]);
        expect(await store.screen('s1')).toBeNull();
      };

      it('LOG2: a decision that refuses writes nothing and does not use up the command id or the position', async () => {
        const { session } = await create('s1');
        const refusal = fail('session_ended', 'It has ended.', { details: { why: 'test' } });
        const origin = { source: 'stdout', position: 5 };
        expect(await store.command('s1', key('c1'), time(1), () => refusal)).toEqual(refusal);
        expect(await store.report('s1', origin, time(1), () => refusal)).toEqual(refusal);
        expect(await store.change('s1', time(1), () => refusal)).toEqual(refusal);
        expect(await store.createSession(newSession('s2'), key('k'), () => refusal)).toEqual(refusal);
        expect(await store.session('s2')).toBeNull();
        await nothingWritten(session);
        expect(unwrap(await store.command('s1', key('c1', 'other'), time(1), everything)).repeated).toBe(false);
        expect(unwrap(await store.report('s1', origin, time(1), everything)).repeated).toBe(false);
        expect(unwrap(await store.createSession(newSession('s2'), key('k', 'other'), everything)).repeated).toBe(false);
      });

      it('LOG2: a write that throws half-way leaves nothing, and the store goes on', async () => {
        const { session } = await create('s1');
        const throwing = () => {
          throw new Error('a bug in the decision');
        };
        /** Fails after facts and approvals were inserted: no engine can store a cycle. */
        const cycle: Record<string, unknown> = {};
        cycle['self'] = cycle;
        const half = decideOn({
          facts: [message('x')],
          approvals: [approval('a1', 's1')],
          instructions: [instruction('s1', 'one'), cycle as never],
          screen: screen('x'),
        });
        for (const decide of [throwing, half]) {
          await expect(store.command('s1', key('c1'), time(1), decide)).rejects.toThrow();
          await expect(store.report('s1', { source: 'o', position: 5 }, time(1), decide)).rejects.toThrow();
          await expect(store.change('s1', time(1), decide)).rejects.toThrow();
          await expect(store.createSession(newSession('s2'), key('k'), decide)).rejects.toThrow();
          expect(await store.session('s2')).toBeNull();
          await nothingWritten(session);
        }
        expect(unwrap(await store.command('s1', key('c1'), time(1), everything)).session.lastSeq).toBe(2);
      });

      it('LOG2: a change with nothing to write writes nothing', async () => {
        const { session } = await create('s1');
        const written = unwrap(await store.change('s1', time(9), decideOn({ title: 'unseen' })));
        expect(written).toEqual({ facts: [], deliveries: [], session });
        expect(await store.session('s1')).toEqual(session);
        expect(unwrap(await store.change('s1', time(9), everything)).session.lastActivityAt).toBe(time(9));
      });

      it('LOG2: nothing is written to a session that is not there', async () => {
        const decide = vi.fn(everything);
        const notFound = { ok: false, error: { kind: 'not_found' } };
        expect(await store.command('none', key('c'), time(1), decide)).toMatchObject(notFound);
        expect(await store.report('none', { source: 'o', position: 1 }, time(1), decide)).toMatchObject(notFound);
        expect(await store.change('none', time(1), decide)).toMatchObject(notFound);
        expect(decide).not.toHaveBeenCalled();
        await create('s1');
        expect(await store.createSession(newSession('s1'), null, everything)).toMatchObject({
          error: { kind: 'conflict' },
        });
        expect(await store.deliveries('r1', 0, 9)).toEqual([]);
      });
    });

    describe('repeats', () => {
      it('LOG4: a repeated command answers the first receipt and writes nothing', async () => {
        await create('s1');
        const decide = vi.fn(decideOn({ facts: [message('x')], instructions: [instruction('s1', 'x')] }));
        const first = unwrap(await store.command('s1', key('c1'), time(1), decide));
        expect(first.receipt).toEqual({ commandId: 'c1', status: 'stored', seq: 2 });
        const later = unwrap(await store.command('s1', key('c2'), time(2), decideOn({ facts: [message('y')] })));
        store = (opened = await opened.reopen()).store;
        const repeat = unwrap(await store.command('s1', key('c1'), time(3), decide));
        expect(repeat).toEqual({
          receipt: first.receipt,
          repeated: true,
          facts: [],
          deliveries: [],
          session: later.session,
        });
        expect(decide).toHaveBeenCalledTimes(1);
        expect(await store.deliveries('r1', 0, 9)).toHaveLength(1);
      });

      it('LOG4: a command without facts has a receipt, and an id belongs to its session', async () => {
        await create('s1');
        await create('s2');
        const first = unwrap(await store.command('s1', key('c1'), time(1), decideOn({})));
        expect(first.receipt.seq).toBe(1);
        expect(unwrap(await store.command('s1', key('c1'), time(1), decideOn({}))).repeated).toBe(true);
        expect(unwrap(await store.command('s2', key('c1', 'other'), time(1), decideOn({}))).repeated).toBe(false);
      });

      it('LOG4: a session created again under the same key is the first one', async () => {
        const decide = decideOn({ facts: [message('x')], instructions: [instruction('s1', 'start')] });
        const first = unwrap(await store.createSession(newSession('s1'), key('k1'), decide));
        expect(first).toMatchObject({ repeated: false, session: { id: 's1' } });
        const again = unwrap(await store.createSession(newSession('s2'), key('k1'), decide));
        expect(again).toEqual({ facts: [], deliveries: [], session: first.session, repeated: true });
        expect(await store.session('s2')).toBeNull();
        const other = await store.createSession(newSession('s3', { ownerId: 'bob' }), key('k1', 'other'), decide);
        expect(unwrap(other)).toMatchObject({ repeated: false, session: { id: 's3' } });
        await store.deleteSession('s1');
        const late = await store.createSession(newSession('s4'), key('k1'), decide);
        expect(late).toMatchObject({ ok: false, error: { kind: 'not_found' } });
      });

      it('LOG5: a used id with another body is refused', async () => {
        await create('s1');
        const reused = { ok: false, error: { kind: 'command_id_reused' } };
        const decide = vi.fn(decideOn({ facts: [message('x')] }));
        unwrap(await store.command('s1', key('c1', 'one'), time(1), decide));
        expect(await store.command('s1', key('c1', 'two'), time(1), decide)).toMatchObject(reused);
        unwrap(await store.createSession(newSession('s2'), key('k1', 'one'), decide));
        expect(await store.createSession(newSession('s3'), key('k1', 'two'), decide)).toMatchObject(reused);
        expect(decide).toHaveBeenCalledTimes(2);
        expect(await readLog(store, 's1')).toHaveLength(2);
      });

      it('LOG6: a report is stored once per source and position, also when a later one came first', async () => {
        await create('s1');
        const report = async (source: string, position: number) => {
          const decide = decideOn({ facts: [message(`${source} ${position}`)] });
          return unwrap(await store.report('s1', { source, position }, time(position), decide)).repeated;
        };
        expect(await report('stdout', 0)).toBe(false);
        expect(await report('stdout', 0)).toBe(true);
        expect(await report('stdout', 40)).toBe(false);
        expect(await report('stdout', 39)).toBe(true);
        expect(await report('deliveries', 3)).toBe(false);
        store = (opened = await opened.reopen()).store;
        expect(await report('stdout', 40)).toBe(true);
        expect(await report('stdout', 41)).toBe(false);
        expect((await readLog(store, 's1')).map((fact) => (fact.data as { text: string }).text)).toEqual([
          'first',
          'stdout 0',
          'stdout 40',
          'deliveries 3',
          'stdout 41',
        ]);
        expect(await store.session('s1')).toMatchObject({ lastActivityAt: time(41), lastSeq: 5, state: { count: 5 } });
      });
    });

    describe('reading', () => {
      it('LOG7: pages follow each other without gap or overlap, forwards and backwards', async () => {
        await create('s1');
        const facts = Array.from({ length: 9 }, (_, index) => message(`fact ${index}`));
        unwrap(await store.command('s1', key('c1'), time(1), decideOn({ facts })));
        const seqs = (page: { facts: readonly { seq: number }[] } | null) => page?.facts.map((fact) => fact.seq);
        expect(seqs(await store.factsAfter('s1', 0, 4))).toEqual([1, 2, 3, 4]);
        expect(seqs(await store.factsAfter('s1', 4, 4))).toEqual([5, 6, 7, 8]);
        expect(seqs(await store.factsAfter('s1', 8, 4))).toEqual([9, 10]);
        expect(await store.factsAfter('s1', 10, 4)).toEqual({ facts: [], lastSeq: 10, oldestSeq: 1 });
        expect(await store.factsAfter('s1', 99, 4)).toEqual({ facts: [], lastSeq: 10, oldestSeq: 1 });
        expect(seqs(await store.factsBefore('s1', 11, 4))).toEqual([7, 8, 9, 10]);
        expect(seqs(await store.factsBefore('s1', 3, 4))).toEqual([1, 2]);
        expect(await store.factsBefore('s1', 1, 4)).toEqual({ facts: [], lastSeq: 10, oldestSeq: 1 });
        expect(await store.factsAfter('none', 0, 4)).toBeNull();
        expect(await store.factsBefore('none', 9, 4)).toBeNull();
      });

      it('LOG15: the tail is the newest facts, with the state that these made', async () => {
        await create('s1');
        const facts = Array.from({ length: 9 }, (_, index) => message(`fact ${index}`));
        unwrap(await store.command('s1', key('c1'), time(1), decideOn({ facts })));
        const tail = await store.factsTail('s1', 4);
        expect(tail?.facts).toEqual((await store.factsBefore('s1', 11, 4))?.facts);
        expect(tail).toMatchObject({ lastSeq: 10, oldestSeq: 1, state: { count: 10 } });
        expect(await store.factsTail('s1', 99)).toMatchObject({ facts: { length: 10 }, state: { count: 10 } });
        unwrap(await store.createSession(newSession('blank'), null, decideOn({})));
        expect(await store.factsTail('blank', 4)).toEqual({ facts: [], lastSeq: 0, oldestSeq: 1, state: { count: 0 } });
        expect(await store.factsTail('none', 4)).toBeNull();
      });
    });

    describe('instructions', () => {
      it('LINK2: a delivery is kept until done and told in order, under an id that is never given again', async () => {
        await create('s1');
        await create('s2');
        const order = async (id: string, commandId: string, ...data: string[]) =>
          unwrap(
            await store.command(
              id,
              key(commandId),
              time(1),
              decideOn({ instructions: data.map((text) => instruction(id, text)) }),
            ),
          ).deliveries;
        const given = [
          ...(await order('s1', 'c1', 'a', 'b', 'c')),
          ...(await order('s2', 'c1', 'd')),
          ...(await order('s1', 'c2', 'e')),
        ];
        store = (opened = await opened.reopen()).store;
        expect(await store.deliveries('r1', 0, 10)).toEqual(given);
        expect(given.map((delivery) => delivery.id)).toEqual(
          given.map((delivery) => delivery.id).toSorted((a, b) => a - b),
        );
        const [first, second, , , last] = given;
        expect(await store.deliveries('r1', first?.id ?? 0, 1)).toEqual([second]);
        expect(await store.deliveries('other', 0, 10)).toEqual([]);
        for (const delivery of given) await store.finishDelivery(delivery.id);
        await store.finishDelivery(last?.id ?? 0);
        expect(await store.deliveries('r1', 0, 10)).toEqual([]);
        store = (opened = await opened.reopen()).store;
        const [next] = await order('s1', 'c3', 'f');
        expect(next?.id).toBeGreaterThan(last?.id ?? Infinity);
      });
    });

    describe('approvals', () => {
      it.each(['ended', 'failed'] as const)(
        'LINK2: a session that has %s has nothing left to be carried out',
        async (status) => {
          await create('s1');
          await create('s2');
          const given = { instructions: [instruction('s1', 'a'), instruction('s1', 'b')] };
          unwrap(await store.command('s1', key('c1'), time(1), decideOn(given)));
          unwrap(await store.command('s2', key('c2'), time(1), decideOn({ instructions: [instruction('s2', 'c')] })));
          unwrap(await store.report('s1', { source: 'out', position: 1 }, time(2), decideOn({ status })));
          expect((await store.deliveries('r1', 0, 10)).map((delivery) => delivery.sessionId)).toEqual(['s2']);
        },
      );

      it('APPR1: asked again under the same id it is the same row; lists begin with the oldest request', async () => {
        await create('s1');
        unwrap(
          await store.createSession(newSession('s2', { ownerId: 'bob' }), null, decideOn({ facts: [message('x')] })),
        );
        const put = async (id: string, ...approvals: ReturnType<typeof approval>[]) =>
          unwrap(await store.change(id, time(1), decideOn({ approvals })));
        const late = approval('a1', 's1', { requestedAt: time(30) });
        const early = approval('a2', 's1', { requestedAt: time(10) });
        const foreign = approval('a3', 's2', { requestedAt: time(20) });
        await put('s1', late, early);
        await put('s2', foreign);
        expect(await store.approvals({ limit: 9 })).toEqual([early, foreign, late]);
        expect(await store.approvals({ limit: 1 })).toEqual([early]);
        expect(await store.approvals({ ownerId: 'ada', limit: 9 })).toEqual([early, late]);
        const answered = { ...early, status: 'answered' as const, answer: { decision: 'allow' as const } };
        await put('s1', answered);
        expect(await store.approval('a2')).toEqual(answered);
        expect(await store.approvals({ status: 'pending', limit: 9 })).toEqual([foreign, late]);
        expect(await store.approvals({ status: 'answered', ownerId: 'bob', limit: 9 })).toEqual([]);
        expect(await store.approval('none')).toBeNull();
      });

      it('APPR1: a request under the id of another session’s takes nothing from that one', async () => {
        await create('s1');
        await create('s2');
        unwrap(await store.change('s1', time(1), decideOn({ approvals: [approval('a1', 's1')] })));
        unwrap(await store.change('s2', time(2), decideOn({ approvals: [approval('a1', 's2', { title: 'other' })] })));
        expect(await store.approval('a1')).toEqual(approval('a1', 's1'));
      });
    });

    ruleContract(() => store);

    describe('deleting', () => {
      it('LOG11: a deleted session leaves nothing behind and harms no other', async () => {
        for (const id of ['s1', 's2']) {
          await create(id);
          const all = decideOn({
            facts: [message('x')],
            approvals: [approval(`a-${id}`, id)],
            instructions: [instruction(id, 'x')],
            screen: screen(id),
          });
          unwrap(await store.command(id, key('c1'), time(1), all));
          unwrap(await store.report(id, { source: 'stdout', position: 9 }, time(1), all));
        }
        expect(await store.deleteSession('s1')).toBe(true);
        expect(await store.deleteSession('s1')).toBe(false);
        expect(await store.session('s1')).toBeNull();
        expect(await store.factsAfter('s1', 0, 9)).toBeNull();
        expect(await store.screen('s1')).toBeNull();
        expect(await store.approvals({ limit: 9 })).toEqual([approval('a-s2', 's2')]);
        expect((await store.deliveries('r1', 0, 9)).map((delivery) => delivery.sessionId)).toEqual(['s2', 's2']);
        expect(await readLog(store, 's2')).toHaveLength(3);
        expect(await store.screen('s2')).toEqual(screen('s2'));
        await create('s1');
        expect(unwrap(await store.command('s1', key('c1', 'other'), time(1), decideOn({}))).repeated).toBe(false);
        const again = await store.report('s1', { source: 'stdout', position: 1 }, time(1), decideOn({}));
        expect(unwrap(again).repeated).toBe(false);
      });
    });

    it('OPS5: check resolves while the database answers and rejects when it cannot', async () => {
      await store.check();
      await store.close();
      await store.close();
      await expect(store.check()).rejects.toMatchObject({ error: { kind: 'unavailable' } });
      await expect(store.finishDelivery(1)).rejects.toMatchObject({ error: { kind: 'unavailable' } });
      expect(await store.change('s1', time(1), decideOn({}))).toMatchObject({ error: { kind: 'unavailable' } });
      expect(await store.sessions({ limit: 1 })).toMatchObject({ error: { kind: 'unavailable' } });
    });

    listContract(() => store);
    retentionContract(() => store);
  });
  concurrencyContract(name, open);
}
