/**
 * One answer as Server-Sent Events. A client that does not read is not waited for: beyond a bound the stream ends after
 * what is already written, and the client comes again.
 */
import type { ServerResponse } from 'node:http';

/** Bytes written that the client's connection has not taken yet. */
const bufferedBytes = 16 * 1024 * 1024;
/** Of them, beyond which what can wait elsewhere should. */
const congestedBytes = 1024 * 1024;
/** How long an ended stream may take to flush what was written, ms. */
const flushMs = 30_000;
/** What an EventSource waits before it comes again, ms. */
const retryMs = 1_000;

export class EventWriter {
  readonly #response: ServerResponse;
  readonly #whenEnded: () => void;
  #ended = false;
  #congestion: Promise<void> | null = null;

  /** whenEnded: called once, when nothing more is to be sent, which may be before all has gone out. */
  constructor(response: ServerResponse, whenEnded: () => void) {
    this.#response = response;
    this.#whenEnded = whenEnded;
    response.once('close', () => this.end());
  }

  /** How soon an EventSource may come again. */
  retry(): void {
    this.text(`retry: ${retryMs}\n`);
  }

  event(name: string, data: unknown): void {
    this.text(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Lines in the format of an event stream. */
  text(lines: string): void {
    if (this.#ended) return;
    this.#response.write(lines);
    if (this.#response.writableLength > bufferedBytes) this.end();
  }

  /** null: there is room. Else resolves when all written is with the system, or the client has gone. */
  congestion(): Promise<void> | null {
    const response = this.#response;
    if (this.#ended || response.writableLength <= congestedBytes) return null;
    this.#congestion ??= new Promise((resolve) => {
      const over = (): void => {
        this.#congestion = null;
        response.off('drain', over).off('close', over);
        resolve();
      };
      response.on('drain', over).on('close', over);
    });
    return this.#congestion;
  }

  /** Bytes that the client's connection has taken: with the system, if not yet with the client. Only grows. */
  get taken(): number {
    const { socket } = this.#response;
    return socket === null ? 0 : socket.bytesWritten - socket.writableLength;
  }

  /** All that was written has been taken. */
  get idle(): boolean {
    return this.#response.writableLength === 0;
  }

  /** The client is gone: nothing is sent any more, and what was written is dropped. */
  abandon(): void {
    this.#response.destroy();
    this.end();
  }

  /** Nothing is sent any more; what was written still goes out. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#response.end();
    const giveUp = setTimeout(() => this.#response.destroy(), flushMs);
    giveUp.unref();
    this.#response.once('close', () => clearTimeout(giveUp));
    this.#whenEnded();
  }
}
