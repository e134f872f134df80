import type { Fact } from '@holdfast/protocol/fact.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { expect, it } from 'vitest';
import { SessionFeed } from '../../src/application/session-feed.ts';

const at = '2026-01-01T00:00:00.000Z';
const fact = (seq: number): Fact => ({ seq, at, type: 'session.renamed', data: { title: `${seq}` } });

/** A log in memory whose pages are short and arrive late. */
function log(pageSize = 3) {
  const facts: Fact[] = [];
  return {
    facts,
    oldest: 1,
    async factsAfter(_id: string, after: number) {
      await new Promise((next) => setImmediate(next));
      const page = {
        facts: facts.filter((one) => one.seq > after).slice(0, pageSize),
        lastSeq: facts.length,
        oldestSeq: this.oldest,
      };
      await new Promise((next) => setImmediate(next));
      return page;
    },
  };
}

function sink() {
  const got: number[] = [];
  const synced: number[] = [];
  return {
    got,
    synced,
    closed: false,
    facts: (facts: readonly Fact[]) => void got.push(...facts.map((one) => one.seq)),
    onSynced: (seq: number) => void synced.push(seq),
  };
}

it('LOG7: 200 random interleavings of appends and subscribers: every fact once, in order, then synced', async () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = seededRandom(seed);
    const store = log(1 + random.integer(4));
    const feed = new SessionFeed(store);
    const sinks: { after: number; sink: ReturnType<typeof sink> }[] = [];
    const late: Fact[][] = [];
    for (let step = 0; step < 30; step += 1) {
      const kind = random.integer(4);
      if (kind < 2) {
        const added = Array.from({ length: 1 + random.integer(3) }, () => {
          const one = fact(store.facts.length + 1);
          store.facts.push(one);
          return one;
        });
        // Announcements may come late, out of order, or not at all until a later one.
        if (random.integer(3) > 0) feed.publish('s', added);
        else late.push(added);
      } else if (kind === 2 && late.length > 0) {
        feed.publish('s', late.splice(random.integer(late.length), 1)[0] ?? []);
      } else {
        const after = random.integer(store.facts.length + 1);
        const one = sink();
        sinks.push({ after, sink: one });
        await feed.subscribe('s', after, { facts: one.facts, synced: one.onSynced, closed: () => undefined });
      }
      if (random.integer(2) === 0) await new Promise((next) => setImmediate(next));
    }
    const last = fact(store.facts.length + 1);
    store.facts.push(last);
    feed.publish('s', [last]);
    for (const { after, sink: one } of sinks) {
      const want = store.facts.map((each) => each.seq).filter((seq) => seq > after);
      await eventually(`seed ${seed}: all facts after ${after}`, () => one.got.length >= want.length);
      expect(one.got, `seed ${seed}`).toEqual(want);
      expect(one.synced.length).toBeGreaterThan(0);
    }
  }
});

it('LOG8: a cursor beyond the end or before the oldest fact gets reset and all that is kept', async () => {
  const store = log();
  store.facts.push(...[1, 2, 3, 4, 5].map(fact));
  const feed = new SessionFeed(store);
  const beyond = sink();
  const subscribed = await feed.subscribe('s', 9, {
    facts: beyond.facts,
    synced: beyond.onSynced,
    closed: () => undefined,
  });
  expect(subscribed).toMatchObject({ ok: true, value: { verdict: 'reset', lastSeq: 5, oldestSeq: 1 } });
  await eventually('everything kept', () => beyond.got.length === 5);
  store.oldest = 4;
  store.facts.splice(0, 3);
  Object.assign(store, { facts: [fact(4), fact(5)] });
  const old = await feed.subscribe('s', 1, {
    facts: () => undefined,
    synced: () => undefined,
    closed: () => undefined,
  });
  expect(old).toMatchObject({ ok: true, value: { verdict: 'reset' } });
});

it('LOG3: a closed subscriber is told nothing more', async () => {
  const store = log();
  const feed = new SessionFeed(store);
  const one = sink();
  const subscribed = await feed.subscribe('s', 0, { facts: one.facts, synced: one.onSynced, closed: () => undefined });
  if (subscribed.ok) subscribed.value.close();
  store.facts.push(fact(1));
  feed.publish('s', [fact(1)]);
  await new Promise((next) => setImmediate(next));
  expect(one.got).toEqual([]);
  expect(feed.size).toBe(0);
});
