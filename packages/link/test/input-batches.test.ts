import { type Result, ok } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { expect, it } from 'vitest';
import { InputBatches, type InputBlock } from '../src/input-batches.ts';

const settled = (): Promise<void> => new Promise((next) => setImmediate(next));
const block = (offset: number, length: number, inputId = 'i'): InputBlock => ({
  inputId,
  offset,
  data: Uint8Array.from({ length }, (_, index) => (offset + index) % 256),
});

function pipe() {
  const sent: InputBlock[] = [];
  const answers: ((answer: Result<{ offset: number }>) => void)[] = [];
  const told: string[] = [];
  const batches = new InputBatches((one) => {
    sent.push(one);
    return new Promise((resolve) => answers.push(resolve));
  });
  return {
    sent,
    told,
    add: (one: InputBlock) =>
      batches.add(one, (answer) => told.push(answer.ok ? `${one.offset}: ${answer.value.offset}` : `${one.offset}: -`)),
    answer: async (offset: number) => {
      answers.shift()?.(ok({ offset }));
      await settled();
    },
    places: () => sent.map(({ inputId, offset, data }) => `${inputId} ${offset}+${data.byteLength}`),
  };
}

it('LINK4: one request at a time; what is typed meanwhile goes together, in order, and all of it is answered', async () => {
  const { add, answer, places, told, sent } = pipe();
  for (const offset of [0, 1, 2, 3]) add(block(offset, 1));
  expect(places()).toEqual(['i 0+1']);
  await answer(1);
  expect(places()).toEqual(['i 0+1', 'i 1+3']);
  expect([...(sent[1]?.data ?? [])]).toEqual([1, 2, 3]);
  await answer(4);
  expect(told).toEqual(['0: 1', '1: 4', '2: 4', '3: 4']);
});

it('LINK4: other streams and gaps are not joined, and no request carries more than it may', async () => {
  const { add, answer, places } = pipe();
  const half = limits.terminalInput / 2;
  add(block(0, 1));
  for (const offset of [1, 1 + half, 1 + 2 * half]) add(block(offset, half));
  add(block(0, 2, 'next'));
  for (const offset of [1, 1 + 2 * half, 1 + 3 * half]) await answer(offset);
  expect(places()).toEqual(['i 0+1', `i 1+${2 * half}`, `i ${1 + 2 * half}+${half}`, 'next 0+2']);
});

it('LINK4: what is sent again takes the place of what still waited, so that nothing piles up', async () => {
  const { add, answer, places, told } = pipe();
  add(block(0, 4));
  add(block(4, 4));
  add(block(8, 4));
  add(block(4, 8));
  expect(told).toEqual(['4: -', '8: -']);
  await answer(4);
  expect(places()).toEqual(['i 0+4', 'i 4+8']);
});
