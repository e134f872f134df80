/** A client, and what is seen through it. */
import { connectTerminal } from './contestants/client.ts';
import type { Address, TerminalClient } from './contestants/contestant.ts';

/** Of what nobody waited for, so much is searched by the next who waits. */
const keptBytes = 16 * 1024;
const patienceMs = 120_000;

interface Waiting {
  readonly mark: Buffer;
  readonly resolve: () => void;
}

export class Attached {
  /** Output so far. */
  bytes = 0;
  /** The server has ended the connection. */
  lost = false;
  /** Called with everything that comes; must not keep it. */
  onOutput: ((bytes: Buffer) => void) | null = null;
  #client: TerminalClient | null = null;
  #kept: Buffer = Buffer.alloc(0);
  #waiting: Waiting | null = null;

  /** `port`: a way that leads to the address's own. */
  static async open(address: Address, port?: number, onOutput: Attached['onOutput'] = null): Promise<Attached> {
    const attached = new Attached();
    attached.onOutput = onOutput;
    attached.#client = await connectTerminal(
      address,
      { output: (bytes) => attached.#output(bytes), closed: () => (attached.lost = true) },
      port,
    );
    return attached;
  }

  write(text: string): void {
    this.#client?.write(text);
  }

  close(): void {
    this.#client?.close();
  }

  /** Resolves when `text` is in what comes, or came last and was not seen yet. One at a time. */
  async seen(text: string, limitMs = patienceMs): Promise<void> {
    const mark = Buffer.from(text);
    const at = this.#kept.indexOf(mark);
    if (at !== -1) {
      this.#kept = this.#kept.subarray(at + mark.length);
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#waiting = { mark, resolve };
      timer = setTimeout(() => reject(new Error(`${text} was not seen within ${limitMs / 1_000} s`)), limitMs);
    }).finally(() => {
      clearTimeout(timer);
      this.#waiting = null;
    });
  }

  #output(bytes: Buffer): void {
    this.bytes += bytes.length;
    this.onOutput?.(bytes);
    const waiting = this.#waiting;
    if (waiting === null) {
      this.#kept = Buffer.concat([this.#kept, bytes]).subarray(-keptBytes);
      return;
    }
    const border = waiting.mark.length - 1;
    const across = Buffer.concat([this.#kept.subarray(-border), bytes.subarray(0, border)]);
    const at = across.includes(waiting.mark) ? 0 : bytes.indexOf(waiting.mark);
    // A copy: the memory belongs to the connection.
    this.#kept = Buffer.from(at === -1 ? bytes.subarray(-border) : bytes.subarray(at + waiting.mark.length));
    if (at === -1) return;
    this.#waiting = null;
    waiting.resolve();
  }
}
