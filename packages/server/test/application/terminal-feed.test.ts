import { limits } from '@holdfast/protocol/limits.ts';
import { ok } from '@holdfast/protocol/error.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { expect, it } from 'vitest';
import { TerminalFeeds } from '../../src/application/terminal-feed.ts';

/** A runner that has produced `written` bytes of a known pattern. */
function setUp(more: { whole?: boolean } = {}) {
  const opened: (number | null)[] = [];
  /** Lines above the screen that were asked for, each time. */
  const asked: number[] = [];
  let taken = 0;
  let end = 0;
  const feeds = new TerminalFeeds({
    open: (_id, from) => void opened.push(from),
    close: () => undefined,
    taken: (_id, offset) => void (taken = offset),
    view: (_id, scrollback) => {
      asked.push(scrollback);
      const screen = { offset: end, cols: 80, rows: 24, ansi: `${scrollback} lines and the screen at ${end}` };
      return Promise.resolve(ok({ screen, whole: more.whole ?? true }));
    },
    now: () => performance.now(),
  });
  const print = (bytes: number): void => {
    const block = Uint8Array.from({ length: bytes }, (_, index) => (end + index) % 251);
    const offset = end;
    end += bytes;
    feeds.output('s', offset, block);
  };
  return { feeds, opened, asked, print, taken: () => taken, end: () => end };
}

function viewer() {
  const got: number[] = [];
  const screens: Screen[] = [];
  let next = 0;
  return {
    got,
    screens,
    next: () => next,
    tty: (offset: number, data: Uint8Array) => {
      expect(offset).toBe(next);
      next = offset + data.byteLength;
      for (const [index, byte] of data.entries()) if (byte !== (offset + index) % 251) throw new Error('wrong byte');
      got.push(data.byteLength);
    },
    screen: (screen: Screen) => {
      screens.push(screen);
      next = screen.offset;
    },
  };
}

it('STREAM4: without word from the subscriber, no more than its credit is sent', async () => {
  const { feeds, print, taken, end } = setUp();
  const slow = viewer();
  const subscription = feeds.subscribe('s', 0, slow);
  feeds.opened('s', 0);
  for (let block = 0; block < 20; block += 1) print(10_000);
  expect(taken()).toBe(end());
  await eventually('first bytes', () => slow.next() > 0);
  expect(slow.next()).toBe(limits.creditFloor);
  subscription.parsed(slow.next());
  await eventually('more after parsing', () => slow.next() > limits.creditFloor);
});

it('STREAM4, STREAM5: one that fell out of the ring gets a screen; others get every byte', async () => {
  const { feeds, print, end } = setUp();
  const slow = viewer();
  const fast = viewer();
  const slowly = feeds.subscribe('s', 0, slow);
  const quickly = feeds.subscribe('s', 0, {
    tty: (offset, data) => {
      fast.tty(offset, data);
      queueMicrotask(() => quickly.parsed(fast.next()));
    },
    screen: fast.screen,
  });
  feeds.opened('s', 0);
  for (let block = 0; block < 60; block += 1) {
    print(50_000);
    await eventually('the fast one keeps up', () => fast.next() === end());
  }
  expect(fast.screens).toEqual([]);
  await eventually('a screen', () => slow.screens.length === 1);
  print(10);
  // Nothing follows it before it has been parsed.
  expect(slow.next()).toBe(slow.screens[0]?.offset);
  await eventually('and on from there, by bytes or by another screen', () => {
    slowly.parsed(slow.next());
    return slow.next() === end();
  });
});

it('LINK1: a short gap is closed from the ring, a new page gets a screen', async () => {
  const { feeds, opened, print, end } = setUp();
  const first = viewer();
  const subscription = feeds.subscribe('s', 0, first);
  feeds.opened('s', 0);
  print(100);
  await eventually('bytes', () => first.next() === 100);
  subscription.close();
  print(50);
  const back = viewer();
  feeds.subscribe('s', 100, { ...back, tty: (offset, data) => back.got.push(offset, data.byteLength) });
  await eventually('the missing bytes', () => back.got.length === 2);
  expect(back.got).toEqual([100, 50]);
  const fresh = viewer();
  feeds.subscribe('s', null, fresh);
  await eventually('a screen', () => fresh.screens[0]?.offset === end());
  expect(opened).toEqual([0]);
});

it('LINK1: after the runner was away output goes on where the ring ended', async () => {
  const { feeds, opened, print } = setUp();
  const one = viewer();
  const subscription = feeds.subscribe('s', 0, one);
  feeds.opened('s', 0);
  print(100);
  await eventually('bytes', () => one.next() === 100);
  subscription.parsed(100);
  feeds.relinked(['s']);
  expect(opened).toEqual([0, 100]);
  feeds.opened('s', 100);
  print(20);
  await eventually('more', () => one.next() === 120);
});

it('LINK1: who watches a terminal before it runs gets its output from the beginning', async () => {
  const { feeds, opened, print } = setUp();
  const early = viewer();
  feeds.subscribe('s', 0, early);
  // The runner had no such terminal yet, and said nothing.
  feeds.started('s');
  expect(opened).toEqual([0, 0]);
  feeds.opened('s', 0);
  feeds.started('s');
  print(10);
  await eventually('the first output', () => early.next() === 10);
  expect(opened).toEqual([0, 0]);
});

it('STREAM5, STREAM4: 100 watch one flood: who keeps up gets every byte, who is stuck its credit and one screen', async () => {
  const { feeds, print, end } = setUp();
  /** As viewer(), without a look at each byte. */
  const light = () => {
    let next = 0;
    const one = {
      bytes: 0,
      /** What its newest bytes lie in. */
      memory: new ArrayBuffer(0) as ArrayBufferLike,
      screens: [] as number[],
      next: () => next,
      tty: (offset: number, data: Uint8Array) => {
        if (offset !== next) throw new Error(`${offset} came after ${next}`);
        next = offset + data.byteLength;
        one.bytes += data.byteLength;
        one.memory = data.buffer;
      },
      screen: ({ offset }: Screen) => {
        one.screens.push(offset);
        next = offset;
      },
    };
    return one;
  };
  const watchers = Array.from({ length: 100 }, (_, index) => ({ stuck: index % 4 === 0, one: light() }));
  const subscriptions = watchers.map(({ stuck, one }) => {
    const subscription = feeds.subscribe('s', 0, {
      tty: (offset, data) => {
        one.tty(offset, data);
        if (!stuck) queueMicrotask(() => subscription.parsed(one.next()));
      },
      screen: one.screen,
    });
    return subscription;
  });
  const moving = watchers.filter(({ stuck }) => !stuck).map(({ one }) => one);
  const stuck = watchers.filter((watcher) => watcher.stuck).map(({ one }) => one);
  feeds.opened('s', 0);
  while (end() < 2 * limits.serverRing) {
    print(32 * 1024);
    await eventually('those who keep up have it', () => moving.every((one) => one.next() === end()));
    // One block in memory for all of them.
    expect(new Set(moving.map(({ memory }) => memory)).size).toBe(1);
  }
  expect(moving.every((one) => one.bytes === end() && one.screens.length === 0)).toBe(true);
  await eventually('a screen', () => stuck.every((one) => one.screens.length === 1));
  expect(stuck.map((one) => one.bytes)).toEqual(stuck.map(() => limits.creditFloor));
  print(10);
  await eventually('the stuck ones go on', () => {
    for (const [index, { one }] of watchers.entries()) subscriptions[index]?.parsed(one.next());
    return watchers.every(({ one }) => one.next() === end());
  });
});

it('STREAM5: however many need a screen at a time, their machine is asked for one', async () => {
  const { feeds, asked, print, end } = setUp({ whole: false });
  feeds.subscribe('s', 0, viewer());
  feeds.opened('s', 0);
  const watchers = Array.from({ length: 100 }, viewer);
  const subscriptions = watchers.map((one) => feeds.subscribe('s', null, one));
  await eventually('a screen each', () => watchers.every(({ screens }) => screens.length === 1));
  expect(asked).toEqual([0]);
  for (const subscription of subscriptions) subscription.parsed(0);
  // None of them takes any of it, until it is no longer kept.
  while (end() <= limits.serverRing + limits.creditFloor) print(32 * 1024);
  await eventually('another each', () => watchers.every(({ screens }) => screens.length === 2));
  for (const subscription of subscriptions) subscription.parsed(end());
  await eventually('and the lines above it', () => watchers.every(({ screens }) => screens.length === 3));
  expect(asked.length).toBeLessThan(6);
});

it('STREAM4: a subscriber gets the screen alone, and the lines above it when it has parsed all there is', async () => {
  const { feeds, print } = setUp({ whole: false });
  const one = viewer();
  const subscription = feeds.subscribe('s', null, one);
  feeds.opened('s', 0);
  await eventually('a screen', () => one.screens.length === 1);
  subscription.parsed(0);
  // The lines are asked for; what comes meanwhile would be lost with a screen of before.
  print(10);
  await eventually('output', () => one.next() === 10);
  subscription.parsed(5);
  await new Promise((resolve) => setImmediate(resolve));
  expect(one.screens.map(({ ansi }) => ansi)).toEqual(['0 lines and the screen at 0']);
  subscription.parsed(10);
  await eventually('the lines', () => one.screens.length === 2);
  expect(one.screens[1]?.ansi).toBe('1000 lines and the screen at 10');
  subscription.parsed(10);
  print(10);
  await eventually('more output', () => one.next() === 20);
  subscription.parsed(20);
  await new Promise((resolve) => setImmediate(resolve));
  expect(one.screens).toHaveLength(2);
});
