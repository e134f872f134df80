/**
 * Several clients and runners at once, with repeats, refusals, decisions that throw and a store that is closed and
 * opened in between: part of the store contract. Nothing here depends on the order in which the store runs them.
 */
import { fail } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Receipt } from '@holdfast/protocol/command.ts';
import type { Decide, Delivery, SessionRow, Store, Written } from '@holdfast/store/store.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OpenStore } from './contract.ts';
import { countOf, decideOn, instruction, message, newSession, readLog, time, unwrap, workspace } from './samples.ts';

const sessionIds = ['s1', 's2'] as const;
const session = fc.constantFrom(...sessionIds);
const work = {
  session,
  facts: fc.nat(3),
  instructions: fc.nat(2),
  outcome: fc.oneof(
    { weight: 6, arbitrary: fc.constant('write' as const) },
    { weight: 1, arbitrary: fc.constantFrom('refuse' as const, 'throw' as const) },
  ),
};
/** Few ids, bodies and positions, so that many of them meet. */
const operation = fc.oneof(
  fc.record({ ...work, kind: fc.constant('command' as const), id: fc.nat(9), body: fc.nat(1) }),
  fc.record({ ...work, kind: fc.constant('report' as const), source: fc.nat(1), position: fc.nat(30) }),
  fc.record({ ...work, kind: fc.constant('change' as const) }),
  fc.record({ kind: fc.constant('finish' as const), session }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
const batches = fc.array(
  fc.record({ together: fc.array(operation, { minLength: 1, maxLength: 12 }), reopen: fc.boolean() }),
  { minLength: 1, maxLength: 10 },
);

/** What the callers were told, which is all that the store may be held to. */
class Ledger {
  readonly facts: Record<string, Fact[]> = { s1: [], s2: [] };
  readonly deliveries = new Map<number, Delivery>();
  readonly accepted = new Map<string, { fingerprint: string; receipt: Receipt }>();
  readonly answered: { name: string; fingerprint: string; receipt: Receipt | null }[] = [];
  readonly positions = new Map<string, number[]>();
  readonly passedOver: { source: string; position: number }[] = [];
  #marker = 0;

  decide(work: { facts: number; instructions: number; outcome: 'write' | 'refuse' | 'throw' }): Decide {
    const marker = (this.#marker += 1);
    return (row: SessionRow) => {
      expect(countOf(row.state), 'LOG9: the state a decision sees is the fold of the log').toBe(row.lastSeq);
      if (work.outcome === 'throw') throw new Error('crash');
      if (work.outcome === 'refuse') return fail('conflict', 'refused');
      const place = (index: number) => `${row.lastSeq}.${marker}.${index}`;
      return decideOn({
        facts: Array.from({ length: work.facts }, (_, index) => message(place(index))),
        instructions: Array.from({ length: work.instructions }, (_, index) => instruction(row.id, place(index))),
      })(row);
    };
  }

  note(sessionId: string, written: Written): void {
    this.facts[sessionId]?.push(...written.facts);
    for (const delivery of written.deliveries) this.deliveries.set(delivery.id, delivery);
  }
}

async function perform(store: Store, ledger: Ledger, operation: Operation): Promise<void> {
  const at = time(1);
  if (operation.kind === 'finish') {
    const [next] = await store.deliveries('r1', 0, 1);
    if (next) await store.finishDelivery(next.id);
    if (next) ledger.deliveries.delete(next.id);
    return;
  }
  const { session } = operation;
  const decide = ledger.decide(operation);
  try {
    if (operation.kind === 'change') {
      const result = await store.change(session, at, decide);
      if (result.ok) ledger.note(session, result.value);
      else expect(result.error.kind).toBe('conflict');
    } else if (operation.kind === 'report') {
      const source = `source${operation.source}`;
      const { position } = operation;
      const result = await store.report(session, { source, position }, at, decide);
      if (!result.ok) return expect(result.error.kind).toBe('conflict');
      ledger.note(session, result.value);
      const name = `${session} ${source}`;
      if (result.value.repeated) ledger.passedOver.push({ source: name, position });
      else ledger.positions.set(name, [...(ledger.positions.get(name) ?? []), position]);
    } else {
      const key = { commandId: `c${operation.id}`, fingerprint: `f${operation.body}` };
      const name = `${session} ${key.commandId}`;
      const result = await store.command(session, key, at, decide);
      if (!result.ok) {
        if (result.error.kind !== 'conflict') {
          expect(result.error.kind).toBe('command_id_reused');
          ledger.answered.push({ name, fingerprint: key.fingerprint, receipt: null });
        }
        return;
      }
      ledger.note(session, result.value);
      const { receipt, repeated } = result.value;
      if (repeated) ledger.answered.push({ name, fingerprint: key.fingerprint, receipt });
      else {
        expect(ledger.accepted.has(name), `LOG4: ${name} took effect twice`).toBe(false);
        ledger.accepted.set(name, { fingerprint: key.fingerprint, receipt });
      }
    }
  } catch (error) {
    if (operation.outcome !== 'throw' || (error as Error).message !== 'crash') throw error;
  }
}

async function audit(store: Store, ledger: Ledger): Promise<void> {
  for (const id of sessionIds) {
    const log = await readLog(store, id);
    expect(log.map((fact) => fact.seq)).toEqual(log.map((_, index) => index + 1));
    expect(log).toEqual(ledger.facts[id]?.toSorted((a, b) => a.seq - b.seq));
    expect(await store.session(id)).toMatchObject({ lastSeq: log.length, state: { count: log.length } });
  }
  for (const { name, fingerprint, receipt } of ledger.answered) {
    const first = ledger.accepted.get(name);
    expect(first).toBeDefined();
    if (receipt) expect({ fingerprint, receipt }).toEqual(first);
    else expect(fingerprint).not.toBe(first?.fingerprint);
  }
  for (const [name, { fingerprint, receipt }] of ledger.accepted) {
    const [id = '', commandId = ''] = name.split(' ');
    const never: Decide = () => fail('internal', 'decided twice');
    const repeat = unwrap(await store.command(id, { commandId, fingerprint }, time(9), never));
    expect(repeat).toMatchObject({ receipt, repeated: true, facts: [], deliveries: [] });
  }
  for (const positions of ledger.positions.values()) expect(new Set(positions).size).toBe(positions.length);
  for (const { source, position } of ledger.passedOver) {
    expect(Math.max(...(ledger.positions.get(source) ?? []))).toBeGreaterThanOrEqual(position);
  }
  const waiting = await store.deliveries('r1', 0, 10_000);
  expect(waiting).toEqual([...ledger.deliveries.values()].toSorted((a, b) => a.id - b.id));
  for (const id of sessionIds) {
    const places = waiting
      .filter((delivery) => delivery.sessionId === id)
      .map(({ instruction }) => (instruction.type === 'terminal.write' ? Number(instruction.data.split('.')[0]) : -1));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  }
}

export function concurrencyContract(name: string, open: OpenStore): void {
  describe(`store on ${name}, many at once`, () => {
    it('LOG1 LOG2 LOG4 LOG5 LOG6 LOG9 LINK2: everything told is in the log once, in order, whatever ran at once', async () => {
      await fc.assert(
        fc.asyncProperty(batches, async (batches) => {
          let opened = await open();
          try {
            unwrap(await opened.store.createWorkspace(workspace));
            for (const id of sessionIds) unwrap(await opened.store.createSession(newSession(id), null, decideOn({})));
            const ledger = new Ledger();
            for (const { together, reopen } of batches) {
              await Promise.all(together.map((operation) => perform(opened.store, ledger, operation)));
              if (reopen) opened = await opened.reopen();
            }
            await audit(opened.store, ledger);
          } finally {
            await opened.dispose();
          }
        }),
        { seed: 20_261_121, numRuns: 40, interruptAfterTimeLimit: 10_000, markInterruptAsFailure: false },
      );
    });
  });
}
