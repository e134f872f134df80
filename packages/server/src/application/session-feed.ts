/**
 * One door for what is stored and what is new: a subscriber is registered first, then reads the store until nothing is
 * beyond its cursor, then is live. A live fact that does not follow on its cursor sends it back to the store, so the
 * announcements need to be neither complete nor in order: the log is the truth, they are a hint. So nothing has to be
 * kept for one who does not take what it is sent: it reads on when it does. Who has nothing, or is further behind than
 * the window, gets the newest facts and what the session is after them, however long its log.
 */
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import type { Resume } from '@holdfast/protocol/socket.ts';
import { stateFrom } from '@holdfast/core/session/state.ts';
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

/** Facts; see protocol's limits. */
export interface ReplayLimits {
  readonly window: number;
  readonly tail: number;
}

const replayLimits: ReplayLimits = { window: limits.replayWindow, tail: limits.resetFacts };

export interface FactSubscription {
  readonly resume: Resume;
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

interface Beginning {
  readonly page: FactPage;
  readonly resume: Resume;
}

export class SessionFeed {
  readonly #store: Pick<Store, 'factsAfter' | 'factsTail'>;
  readonly #limits: ReplayLimits;
  readonly #subscribers = new Map<string, Set<Subscriber>>();

  constructor(store: Pick<Store, 'factsAfter' | 'factsTail'>, replay: ReplayLimits = replayLimits) {
    this.#store = store;
    this.#limits = replay;
  }

  get size(): number {
    let count = 0;
    for (const set of this.#subscribers.values()) count += set.size;
    return count;
  }

  /** after: null for the newest. not_found: no such session. The sink is called after the answer, never before it. */
  async subscribe(sessionId: string, after: number | null, sink: FactSink): Promise<Result<FactSubscription>> {
    const subscriber: Subscriber = { sink, cursor: after ?? 0, hint: 0, reading: true, open: true };
    const set = this.#subscribers.get(sessionId) ?? new Set();
    this.#subscribers.set(sessionId, set.add(subscriber));
    const close = (): void => {
      subscriber.open = false;
      set.delete(subscriber);
      if (set.size === 0 && this.#subscribers.get(sessionId) === set) this.#subscribers.delete(sessionId);
    };
    const begun = (after === null ? null : await this.#replay(sessionId, after)) ?? (await this.#tail(sessionId));
    if (begun === null) {
      close();
      return fail('not_found', 'There is no such session.');
    }
    const { page, resume } = begun;
    if (resume.verdict === 'reset') subscriber.cursor = resume.from - 1;
    queueMicrotask(() => this.#start(sessionId, subscriber, page));
    return ok({ resume, close });
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

  /** The first page after a cursor. null: there is nothing to go on from, or too much. */
  async #replay(sessionId: string, after: number): Promise<Beginning | null> {
    const page = await this.#store.factsAfter(sessionId, after, pageFacts);
    if (page === null || after > page.lastSeq || after < page.oldestSeq - 1) return null;
    const { lastSeq, oldestSeq } = page;
    return lastSeq - after > this.#limits.window ? null : { page, resume: { verdict: 'ok', lastSeq, oldestSeq } };
  }

  async #tail(sessionId: string): Promise<Beginning | null> {
    const tail = await this.#store.factsTail(sessionId, this.#limits.tail);
    if (tail === null) return null;
    const { facts, lastSeq, oldestSeq } = tail;
    const from = facts[0]?.seq ?? lastSeq + 1;
    // No more than a page waits for one subscriber: what is beyond it is read again.
    const page = { facts: facts.slice(0, pageFacts), lastSeq, oldestSeq };
    return { page, resume: { verdict: 'reset', lastSeq, oldestSeq, from, base: stateFrom(tail.state) } };
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
