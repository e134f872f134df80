import type { Fact } from '@holdfast/protocol/fact.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { expect, it } from 'vitest';
import { SessionFeed } from '../../src/application/session-feed.ts';
import { base } from '../http/fake-application.ts';

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
        lastSeq: facts.at(-1)?.seq ?? 0,
        oldestSeq: this.oldest,
      };
      await new Promise((next) => setImmediate(next));
      return page;
    },
    async factsTail(_id: string, limit: number) {
      await new Promise((next) => setImmediate(next));
      const kept = facts.filter((one) => one.seq >= this.oldest);
      const lastSeq = facts.at(-1)?.seq ?? 0;
      const tail = { facts: kept.slice(-limit), lastSeq, oldestSeq: this.oldest, state: stateAt(lastSeq) };
      await new Promise((next) => setImmediate(next));
      return tail;
    },
  };
}

/** A session whose title is the last fact's seq. */
const stateAt = (seq: number): SessionState => ({ ...base, title: `${seq}` });

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

/** One that takes everything at once. */
const quiet = (one: ReturnType<typeof sink>) => ({
  facts: one.facts,
  synced: one.onSynced,
  closed: () => undefined,
  congestion: () => null,
});

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
        await feed.subscribe('s', after, quiet(one));
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

it('LOG8: a cursor beyond the end or before the oldest fact gets reset, and is told where what follows begins', async () => {
  const store = log();
  store.facts.push(...[1, 2, 3, 4, 5].map(fact));
  const feed = new SessionFeed(store);
  const beyond = sink();
  const subscribed = await feed.subscribe('s', 9, quiet(beyond));
  expect(subscribed).toMatchObject({
    ok: true,
    value: { resume: { verdict: 'reset', lastSeq: 5, oldestSeq: 1, from: 1 } },
  });
  await eventually('everything kept', () => beyond.got.length === 5);
  store.oldest = 4;
  store.facts.splice(0, 3);
  const old = sink();
  const again = await feed.subscribe('s', 1, quiet(old));
  expect(again).toMatchObject({ ok: true, value: { resume: { verdict: 'reset', lastSeq: 5, oldestSeq: 4, from: 4 } } });
  await eventually('what is kept', () => old.synced.length === 1);
  expect(old.got).toEqual([4, 5]);
});

it('LOG14, LOG8: 200 random logs: at most the window behind gets all it missed, further behind or with nothing the newest and the state of that moment', async () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = seededRandom(seed);
    const store = log(100);
    const add = (count: number): Fact[] => {
      const added = Array.from({ length: count }, (_, index) => fact((store.facts.at(-1)?.seq ?? 0) + index + 1));
      store.facts.push(...added);
      return added;
    };
    add(1 + random.integer(60));
    store.oldest = 1 + random.integer(store.facts.length);
    store.facts.splice(0, store.oldest - 1);
    const replay = { window: random.integer(20), tail: 1 + random.integer(8) };
    const feed = new SessionFeed(store, replay);
    const one = sink();
    const after = random.integer(5) === 0 ? null : random.integer(70);
    const asked = feed.subscribe('s', after, quiet(one));
    if (random.integer(2) === 0) feed.publish('s', add(1 + random.integer(30)));
    const subscribed = await asked;
    if (!subscribed.ok) throw new Error(subscribed.error.message);
    const { resume } = subscribed.value;
    feed.publish('s', add(random.integer(3)));
    const { oldest } = store;
    const words = `seed ${seed}: ${JSON.stringify({ after, oldest, replay, resume })}`;
    const last = store.facts.at(-1)?.seq ?? 0;
    const isKnown = after !== null && after <= resume.lastSeq && after >= oldest - 1;
    expect(resume.verdict, words).toBe(isKnown && resume.lastSeq - after <= replay.window ? 'ok' : 'reset');
    if (resume.verdict === 'reset') {
      expect(resume.from, words).toBe(Math.max(oldest, resume.lastSeq - replay.tail + 1));
      expect(resume.base, words).toEqual(stateAt(resume.lastSeq));
    }
    const first = resume.verdict === 'ok' ? (after ?? 0) + 1 : resume.from;
    await eventually(words, () => one.synced.length > 0 && (one.got.at(-1) ?? first - 1) === last);
    expect(one.got, words).toEqual(store.facts.map(({ seq }) => seq).filter((seq) => seq >= first));
  }
});

it('LOG14: what a reader far behind costs follows from the tail, not from its log', async () => {
  const read: number[] = [];
  for (const length of [1_000, 100_000]) {
    const store = log(100);
    store.facts.push(...Array.from({ length }, (_, index) => fact(index + 1)));
    let facts = 0;
    const counting = <T extends { readonly facts: readonly Fact[] }>(page: T): T => {
      facts += page.facts.length;
      return page;
    };
    const feed = new SessionFeed(
      {
        factsAfter: async (id, after) => counting(await store.factsAfter(id, after)),
        factsTail: async (id, limit) => counting(await store.factsTail(id, limit)),
      },
      { window: 500, tail: 150 },
    );
    for (const after of [0, null]) {
      const one = sink();
      await feed.subscribe('s', after, quiet(one));
      await eventually('synced', () => one.synced.at(-1) === length);
      expect(one.got).toHaveLength(150);
    }
    read.push(facts);
  }
  expect(read[1]).toBe(read[0]);
});

it('LOG3: a closed subscriber is told nothing more', async () => {
  const store = log();
  const feed = new SessionFeed(store);
  const one = sink();
  const subscribed = await feed.subscribe('s', 0, quiet(one));
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
    factsTail: (id, limit) => store.factsTail(id, limit),
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
  expect(subscribed).toMatchObject({ ok: true, value: { resume: { verdict: 'ok' } } });
  await eventually('told', () => closed);
  expect(reader.got).toEqual([1, 2, 3]);
  expect(reader.synced).toEqual([]);
});
