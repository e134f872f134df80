/**
 * One door for what is stored and what is new: a subscriber is registered first, then reads the store until nothing is
 * beyond its cursor, then is live. A live fact that does not follow on its cursor sends it back to the store, so the
 * announcements need to be neither complete nor in order: the log is the truth, they are a hint. So nothing has to be
 * kept for one who does not take what it is sent: it reads on when it does.
 */
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Verdict } from '@holdfast/protocol/socket.ts';
import type { FactPage, Store } from '@holdfast/store/store.ts';

export interface FactSink {
  facts(facts: readonly Fact[]): void;
  synced(seq: number): void;
  closed(): void;
  /** As SubscriberSink has it. */
  congestion(): Promise<void> | null;
}

/** Facts in one page: with what its connection may have left untaken, the most that waits for one subscriber. */
const pageFacts = 100;

export interface FactSubscription {
  readonly verdict: Verdict;
  readonly lastSeq: number;
  readonly oldestSeq: number;
  close(): void;
}

interface Subscriber {
  readonly sink: FactSink;
  cursor: number;
  /** The greatest seq announced; while it is beyond the cursor there is more to read. */
  hint: number;
  reading: boolean;
  open: boolean;
}

export class SessionFeed {
  readonly #store: Pick<Store, 'factsAfter'>;
  readonly #subscribers = new Map<string, Set<Subscriber>>();

  constructor(store: Pick<Store, 'factsAfter'>) {
    this.#store = store;
  }

  get size(): number {
    let count = 0;
    for (const set of this.#subscribers.values()) count += set.size;
    return count;
  }

  /** not_found: no such session. The sink is called after the answer, never before it. */
  async subscribe(sessionId: string, after: number, sink: FactSink): Promise<Result<FactSubscription>> {
    const subscriber: Subscriber = { sink, cursor: after, hint: 0, reading: true, open: true };
    const set = this.#subscribers.get(sessionId) ?? new Set();
    this.#subscribers.set(sessionId, set.add(subscriber));
    const close = (): void => {
      subscriber.open = false;
      set.delete(subscriber);
      if (set.size === 0 && this.#subscribers.get(sessionId) === set) this.#subscribers.delete(sessionId);
    };
    const first = await this.#store.factsAfter(sessionId, after, pageFacts);
    if (first === null) {
      close();
      return fail('not_found', 'There is no such session.');
    }
    const verdict = after > first.lastSeq || after < first.oldestSeq - 1 ? 'reset' : 'ok';
    if (verdict === 'reset') subscriber.cursor = first.oldestSeq - 1;
    queueMicrotask(() => this.#start(sessionId, subscriber, verdict === 'ok' ? first : null));
    return ok({ verdict, lastSeq: first.lastSeq, oldestSeq: first.oldestSeq, close });
  }

  publish(sessionId: string, facts: readonly Fact[]): void {
    const last = facts.at(-1);
    if (last === undefined) return;
    for (const subscriber of this.#subscribers.get(sessionId) ?? []) {
      subscriber.hint = Math.max(subscriber.hint, last.seq);
      if (subscriber.reading) continue;
      const fresh = facts.filter((fact) => fact.seq > subscriber.cursor);
      if (fresh.length === 0) continue;
      if (fresh[0]?.seq === subscriber.cursor + 1 && subscriber.sink.congestion() === null) {
        subscriber.cursor = last.seq;
        subscriber.sink.facts(fresh);
      } else {
        subscriber.reading = true;
        this.#start(sessionId, subscriber, null);
      }
    }
  }

  closeAll(sessionId: string): void {
    for (const subscriber of this.#subscribers.get(sessionId) ?? []) {
      subscriber.open = false;
      subscriber.sink.closed();
    }
    this.#subscribers.delete(sessionId);
  }

  #start(sessionId: string, subscriber: Subscriber, page: FactPage | null): void {
    this.#read(sessionId, subscriber, page).catch(() => {
      // The store cannot be read now: the subscriber comes again with its cursor.
      if (subscriber.open) subscriber.sink.closed();
      subscriber.open = false;
    });
  }

  async #read(sessionId: string, subscriber: Subscriber, page: FactPage | null): Promise<void> {
    for (let next = page; subscriber.open; next = null) {
      if (next === null) await subscriber.sink.congestion();
      if (!subscriber.open) return;
      const read = next ?? (await this.#store.factsAfter(sessionId, subscriber.cursor, pageFacts));
      if (!subscriber.open) return;
      if (read === null) {
        subscriber.sink.closed();
        return;
      }
      const last = read.facts.at(-1);
      if (read.facts.length > 0 && read.facts[0]?.seq !== subscriber.cursor + 1) {
        // What it wanted next was removed meanwhile: it comes again and is told to begin anew (LOG8).
        subscriber.open = false;
        subscriber.sink.closed();
        return;
      }
      if (last !== undefined) {
        subscriber.cursor = last.seq;
        subscriber.sink.facts(read.facts);
      }
      if (subscriber.cursor >= read.lastSeq && subscriber.cursor >= subscriber.hint) {
        subscriber.reading = false;
        subscriber.sink.synced(subscriber.cursor);
        return;
      }
    }
  }
}
