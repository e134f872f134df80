import { fail, ok } from '@holdfast/protocol/error.ts';
import { expect, it } from 'vitest';
import { ScreenWatch } from '#lib/terminal/screen-watch.ts';

it('PAGE27: one screen is asked for at a time, none while nobody looks, and none after its end', async () => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const timers: { ms: number; call: () => void }[] = [];
  let hidden = false;
  let fails = false;
  const screens = new ScreenWatch({
    ask: (sessionId) => {
      asked.push(sessionId);
      return new Promise((resolve) =>
        answers.push(() => resolve(fails ? fail('timeout', 'no answer') : ok(`screen of ${sessionId}`))),
      );
    },
    hidden: () => hidden,
    after: (ms, call) => {
      const timer = { ms, call };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  const answer = async (): Promise<void> => {
    answers.shift()?.();
    await settle();
  };
  const shown: string[] = [];
  const stop = screens.watch('a', (text) => shown.push(text));
  const stopOther = screens.watch('b', (text) => shown.push(text));
  await settle();
  expect(asked).toEqual(['a']);
  await answer();
  expect([asked, shown]).toEqual([['a', 'b'], ['screen of a']]);
  fails = true;
  await answer();
  expect(shown).toEqual(['screen of a']);
  const [first, second] = timers.splice(0);
  expect(second?.ms).toBeGreaterThan(first?.ms ?? 0);
  hidden = true;
  first?.call();
  await settle();
  expect(asked).toEqual(['a', 'b']);
  hidden = false;
  fails = false;
  for (const { call } of timers.splice(0)) call();
  await settle();
  expect(asked).toEqual(['a', 'b', 'a']);
  stop();
  await answer();
  expect([shown, timers]).toEqual([['screen of a'], []]);
  stopOther();
});
