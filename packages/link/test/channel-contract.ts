/** What every Channel does, whatever carries it. */
import { eventually } from '@holdfast/testkit/eventually.ts';
import { describe, expect, it } from 'vitest';
import type { Channel } from '../src/channel.ts';

export interface TestMessage {
  readonly number: number;
  readonly text?: string;
  readonly nested?: { readonly list: readonly unknown[] };
  readonly data?: Uint8Array;
}

export interface OpenPair extends AsyncDisposable {
  readonly left: Channel<TestMessage, TestMessage>;
  readonly right: Channel<TestMessage, TestMessage>;
}

const inOrder = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

function collect(channel: Channel<TestMessage, TestMessage>): TestMessage[] {
  const got: TestMessage[] = [];
  channel.onMessage((message) => void got.push(message));
  return got;
}

function countCloses(channel: Channel<TestMessage, TestMessage>): () => number {
  let closes = 0;
  channel.onClose(() => (closes += 1));
  return () => closes;
}

export function channelContract(name: string, open: () => Promise<OpenPair>): void {
  describe(name, () => {
    it('LINK11: messages arrive whole and in order, both ways at once', async () => {
      await using pair = await open();
      const [toRight, toLeft] = [collect(pair.right), collect(pair.left)];
      for (const number of inOrder(1_000)) {
        pair.left.send({ number, nested: { list: ['ü€𝄞', null, { number }] } });
        pair.right.send({ number: -number });
      }
      await eventually('all', () => toRight.length === 1_000 && toLeft.length === 1_000);
      expect(toRight.map((message) => message.number)).toEqual(inOrder(1_000));
      expect(toLeft.map((message) => -message.number)).toEqual(inOrder(1_000));
      expect(toRight[41]).toEqual({ number: 42, nested: { list: ['ü€𝄞', null, { number: 42 }] } });
    });

    it('LINK11: what came before there was a listener is kept for it, in order', async () => {
      await using pair = await open();
      for (const number of inOrder(50)) pair.left.send({ number });
      // Answered after all of them have crossed.
      const back = collect(pair.left);
      pair.right.send({ number: 0 });
      await eventually('crossed', () => back.length === 1);
      const got = collect(pair.right);
      pair.left.send({ number: 51 });
      await eventually('all', () => got.length === 51);
      expect(got.map((message) => message.number)).toEqual(inOrder(51));
    });

    it('LINK11: binary data arrives byte for byte as binary, parts of larger blocks too', async () => {
      await using pair = await open();
      const got = collect(pair.right);
      const block = Uint8Array.from({ length: 3 * 256 }, (_, index) => index % 256);
      const sent = [new Uint8Array(0), block, block.subarray(100, 411), Buffer.from(block).subarray(7, 9)];
      for (const [number, data] of sent.entries()) pair.left.send({ number, data });
      await eventually('all', () => got.length === sent.length);
      for (const [index, data] of sent.entries()) {
        const arrived = got[index]?.data;
        expect(arrived).toBeInstanceOf(Uint8Array);
        expect(Buffer.compare(arrived ?? new Uint8Array(1), data)).toBe(0);
      }
    });

    it('LINK11: a large message arrives whole, and small ones do not overtake it', async () => {
      await using pair = await open();
      const got = collect(pair.right);
      const data = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 7) % 251);
      // The most wasteful there is in JSON: six bytes each.
      const text = '\u001b'.repeat(4_000_000);
      pair.left.send({ number: 1, data, text });
      pair.left.send({ number: 2 });
      await eventually('both', () => got.length === 2);
      expect(got.map((message) => message.number)).toEqual([1, 2]);
      expect(got[0]?.text === text).toBe(true);
      expect(Buffer.compare(got[0]?.data ?? new Uint8Array(0), data)).toBe(0);
    });

    it('LINK11: close reaches both sides once, whoever closes, and those who ask later', async () => {
      for (const closing of ['left', 'right'] as const) {
        await using pair = await open();
        const [left, right] = [countCloses(pair.left), countCloses(pair.right)];
        pair[closing].close();
        pair[closing].close();
        await eventually('both', () => left() > 0 && right() > 0);
        pair.left.close();
        pair.right.close();
        const late = countCloses(pair.left);
        await eventually('late', () => late() === 1);
        expect([left(), right()]).toEqual([1, 1]);
      }
    });

    it('LINK11: nothing is heard after close, and nothing is sent', async () => {
      await using pair = await open();
      const got = collect(pair.left);
      const other = collect(pair.right);
      const closed = countCloses(pair.right);
      pair.left.close();
      pair.left.send({ number: 1 });
      pair.right.send({ number: 2 });
      await eventually('closed', () => closed() === 1);
      pair.right.send({ number: 3 });
      expect([got, other]).toEqual([[], []]);
      expect([pair.left.bufferedBytes, pair.right.bufferedBytes]).toEqual([0, 0]);
    });

    it('LINK13: bufferedBytes is 0 once all was taken, and until then no less than what was not', async () => {
      await using pair = await open();
      const got = collect(pair.right);
      expect(pair.left.bufferedBytes).toBe(0);
      let taken = 0;
      pair.right.onMessage((message) => {
        taken += message.data?.byteLength ?? 0;
        got.push(message);
      });
      let sent = 0;
      const remote = pair.left;
      for (const number of inOrder(200)) {
        remote.send({ number, data: new Uint8Array(10_000) });
        sent += 10_000;
        // An end that hands over at once has nothing buffered.
        if (remote.bufferedBytes > 0) expect(remote.bufferedBytes).toBeGreaterThanOrEqual(sent - taken);
      }
      await eventually('taken', () => got.length === 200 && remote.bufferedBytes === 0);
    });
  });
}
