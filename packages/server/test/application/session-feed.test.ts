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
        await feed.subscribe('s', after, {
          facts: one.facts,
          synced: one.onSynced,
          closed: () => undefined,
          congestion: () => null,
        });
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
    congestion: () => null,
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
    congestion: () => null,
  });
  expect(old).toMatchObject({ ok: true, value: { verdict: 'reset' } });
});

it('LOG3: a closed subscriber is told nothing more', async () => {
  const store = log();
  const feed = new SessionFeed(store);
  const one = sink();
  const subscribed = await feed.subscribe('s', 0, {
    facts: one.facts,
    synced: one.onSynced,
    closed: () => undefined,
    congestion: () => null,
  });
  if (subscribed.ok) subscribed.value.close();
  store.facts.push(fact(1));
  feed.publish('s', [fact(1)]);
  await new Promise((next) => setImmediate(next));
  expect(one.got).toEqual([]);
  expect(feed.size).toBe(0);
});

/** One whose connection takes nothing until told to; more than one page beyond that is a fault. */
function watcher() {
  const one = sink();
  let room: PromiseWithResolvers<void> | null = null;
  let untaken = 0;
  return {
    got: one.got,
    synced: one.synced,
    largest: 0,
    stuck: false,
    take(): void {
      untaken = 0;
      room?.resolve();
      room = null;
    },
    sink() {
      return {
        facts: (facts: readonly Fact[]): void => {
          one.facts(facts);
          untaken = this.stuck ? untaken + facts.length : 0;
          this.largest = Math.max(this.largest, untaken);
        },
        synced: one.onSynced,
        closed: () => undefined,
        congestion: (): Promise<void> | null => {
          if (untaken < 3) return null;
          room ??= Promise.withResolvers<void>();
          return room.promise;
        },
      };
    },
  };
}

it('STREAM6, STREAM5: of 100 who watch one session, those who take nothing wait alone, bounded, and miss nothing', async () => {
  const store = log(4);
  store.facts.push(...Array.from({ length: 50 }, (_, index) => fact(index + 1)));
  const feed = new SessionFeed(store);
  const watchers = Array.from({ length: 100 }, () => watcher());
  const stuck = watchers.filter((_, index) => index % 5 === 0);
  const others = watchers.filter((one) => !stuck.includes(one));
  for (const one of stuck) one.stuck = true;
  for (const [index, one] of watchers.entries()) await feed.subscribe('s', index % 10, one.sink());
  await eventually('the others are there', () => others.every((one) => one.synced.length > 0));
  // Live, in blocks as a busy agent brings them.
  for (let block = 0; block < 50; block += 1) {
    const added = Array.from({ length: 1 + (block % 3) }, () => {
      const next = fact(store.facts.length + 1);
      store.facts.push(next);
      return next;
    });
    feed.publish('s', added);
    if (block % 10 === 0) await new Promise((next) => setImmediate(next));
  }
  const last = store.facts.length;
  await eventually('the others have all', () => others.every((one) => one.got.at(-1) === last));
  expect(stuck.every((one) => one.got.length < 10 && one.synced.length === 0)).toBe(true);
  expect(Math.max(...stuck.map((one) => one.largest))).toBeLessThanOrEqual(2 + 4);
  await eventually('the stuck ones catch up', () => {
    for (const one of stuck) one.take();
    return stuck.every((one) => one.got.at(-1) === last && one.synced.at(-1) === last);
  });
  for (const [index, one] of watchers.entries()) {
    expect(one.got).toEqual(Array.from({ length: last - (index % 10) }, (_, n) => (index % 10) + n + 1));
  }
});

it('STREAM6: one that falls behind while it is live is not sent more, and reads on when it takes it', async () => {
  const store = log(4);
  const feed = new SessionFeed(store);
  const one = watcher();
  await feed.subscribe('s', 0, one.sink());
  await eventually('live', () => one.synced.length === 1);
  one.stuck = true;
  for (let seq = 1; seq <= 30; seq += 1) {
    store.facts.push(fact(seq));
    feed.publish('s', [fact(seq)]);
  }
  await eventually('it waits', () => one.got.length === 3);
  await new Promise((next) => setImmediate(next));
  expect(one.got).toEqual([1, 2, 3]);
  one.stuck = false;
  one.take();
  await eventually('all', () => one.got.length === 30);
  expect(one.got).toEqual(store.facts.map(({ seq }) => seq));
});

it('LOG8, KEEP3: what is removed under a reader is no silent gap: it is told to come again', async () => {
  const store = log();
  for (let seq = 1; seq <= 12; seq += 1) store.facts.push(fact(seq));
  const feed = new SessionFeed({
    factsAfter: async (id, after) => {
      const page = await store.factsAfter(id, after);
      return { ...page, facts: page.facts.filter((one) => one.seq >= store.oldest) };
    },
  });
  const reader = sink();
  let closed = false;
  const subscribed = await feed.subscribe('s', 0, {
    facts: (facts) => {
      reader.facts(facts);
      store.facts.splice(0, 8);
      store.oldest = 9;
    },
    synced: reader.onSynced,
    closed: () => (closed = true),
    congestion: () => null,
  });
  expect(subscribed).toMatchObject({ ok: true, value: { verdict: 'ok' } });
  await eventually('told', () => closed);
  expect(reader.got).toEqual([1, 2, 3]);
  expect(reader.synced).toEqual([]);
});
