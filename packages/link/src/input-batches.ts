/**
 * Keystrokes of one terminal by separate requests: one under way at a time, since two could overtake each other. What is
 * typed meanwhile goes together with the next.
 */
import { type Result, fail } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';

export interface InputBlock {
  readonly inputId: string;
  readonly offset: number;
  readonly data: Uint8Array;
}

type Settle = (answer: Result<{ offset: number }>) => void;
interface Waiting extends InputBlock {
  readonly settle: Settle;
}

const endOf = (block: InputBlock): number => block.offset + block.data.byteLength;

export class InputBatches {
  readonly #send: (block: InputBlock) => Promise<Result<{ offset: number }>>;
  #waiting: Waiting[] = [];
  #sending = false;

  /** send: never rejects. */
  constructor(send: (block: InputBlock) => Promise<Result<{ offset: number }>>) {
    this.#send = send;
  }

  add(block: InputBlock, settle: Settle): void {
    // Sent again from an earlier place: what waits from there on is part of it.
    const repeated = this.#waiting.filter((other) => other.inputId === block.inputId && other.offset >= block.offset);
    this.#waiting = [...this.#waiting.filter((other) => !repeated.includes(other)), { ...block, settle }];
    for (const other of repeated) other.settle(fail('timeout', 'sent again before it went out'));
    this.#next();
  }

  #next(): void {
    if (this.#sending) return;
    const batch = this.#take();
    const first = batch[0];
    if (first === undefined) return;
    const data = new Uint8Array(batch.reduce((sum, block) => sum + block.data.byteLength, 0));
    for (const block of batch) data.set(block.data, block.offset - first.offset);
    this.#sending = true;
    void this.#send({ inputId: first.inputId, offset: first.offset, data }).then((answer) => {
      this.#sending = false;
      for (const block of batch) block.settle(answer);
      this.#next();
    });
  }

  /** Those from the front that follow on each other, as far as one request may carry them. */
  #take(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (const block of this.#waiting) {
      const last = batch.at(-1);
      const follows = last === undefined || (block.inputId === last.inputId && block.offset === endOf(last));
      bytes += block.data.byteLength;
      if (!follows || (last !== undefined && bytes > limits.terminalInput)) break;
      batch.push(block);
    }
    this.#waiting = this.#waiting.slice(batch.length);
    return batch;
  }
}
