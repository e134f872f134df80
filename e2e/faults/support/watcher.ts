/** One of many who watch a terminal, on a bare socket: what the server sends is looked at as it comes, and mends nothing. */
import { type Hash, createHash } from 'node:crypto';
import { type Dialled, dial } from '@holdfast/link/dial.ts';
import type { Push } from '@holdfast/link/push.ts';

export interface WatcherOptions {
  readonly sessionId: string;
  readonly key: string;
  /** false: what is shown is never said to have been parsed. */
  readonly attentive?: boolean;
  /** Each piece of output as it comes. */
  readonly saw?: (data: Uint8Array) => void;
}

/** For an answer while a hundred ask, ms. */
const answerMs = 15_000;

export class Watcher {
  /** Whatever is not the next byte, or a screen. */
  readonly problems: string[] = [];
  screens = 0;
  /** Subscribed. */
  live = false;
  readonly #options: WatcherOptions;
  #attentive: boolean;
  #dialled: Dialled | null = null;
  #next = 0;
  readonly #digest: Hash = createHash('sha1');

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.#attentive = options.attentive ?? true;
  }

  /** From the next byte it waits for. An earlier connection is left without a word that has to arrive. */
  connect(url: string): void {
    const { sessionId, key } = this.#options;
    this.close();
    const dialled = dial(
      { url, key, transports: ['websocket'] },
      {
        opened: () => {
          const wanted = { sessionId, after: 0, tty: { from: this.#next } };
          dialled.request('subscribe', wanted, answerMs, (answer) => {
            this.live = answer.ok;
            if (!answer.ok) this.problems.push(`refused: ${answer.error.message}`);
          });
        },
        lost: ({ message }) => this.problems.push(`lost: ${message}`),
        move: () => undefined,
        heard: () => undefined,
        pushed: (push) => this.#receive(push),
      },
    );
    this.#dialled = dialled;
  }

  /** The next byte it waits for. */
  get next(): number {
    return this.#next;
  }

  /** Of every byte it was given. */
  get digest(): string {
    return this.#digest.copy().digest('hex');
  }

  /** From now on it says what it has parsed. */
  attend(): void {
    this.#attentive = true;
    this.#parsed();
  }

  close(): void {
    this.#dialled?.close();
    this.#dialled = null;
    this.live = false;
  }

  #receive(push: Push): void {
    if (push.type === 'tty') {
      const { offset, data } = push;
      if (offset !== this.#next) this.problems.push(`output at ${offset} after output up to ${this.#next}`);
      this.#next = offset + data.byteLength;
      this.#digest.update(data);
      this.#options.saw?.(data);
      this.#parsed();
    }
    if (push.type === 'screen') {
      this.screens += 1;
      this.#next = push.screen.offset;
      this.#parsed();
    }
  }

  #parsed(): void {
    const { sessionId } = this.#options;
    if (this.#attentive) this.#dialled?.tell('parsed', { sessionId, offset: this.#next });
  }
}
