/** One opened session: subscribes on each new connection with what it has, and hands out each fact and byte once. */
import { fullJitter } from '@holdfast/core/client/backoff.ts';
import { acceptFacts, acceptOutput } from '@holdfast/core/client/cursor.ts';
import { type Settable, observable } from '@holdfast/core/client/observable.ts';
import type { ErrorBody, ErrorKind } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import type { Resume } from '@holdfast/protocol/socket.ts';
import type {
  Clock,
  OpenOptions,
  OpenSession,
  SessionHandle,
  SessionLinkState,
  SessionSink,
} from './client-interface.ts';
import type { Dialled } from './dial.ts';
import type { Push, ReceivedFact } from './push.ts';

export interface SessionLinkContext {
  readonly clock: Clock;
  readonly random: () => number;
  /** Facts were handed out, or the state changed. */
  progressed(link: SessionLink): void;
  closed(link: SessionLink): void;
}

/** Refusals that are not the last word. */
const passing: ReadonlySet<ErrorKind> = new Set([
  'rate_limited',
  'quota_exceeded',
  'internal',
  'runner_offline',
  'unavailable',
  'timeout',
]);

const answerMs = 15_000;
const pause = { base: 500, cap: 15_000 };

/** The tail of a log on its way: nothing of it is handed out before all of it is here. */
interface ArrivingTail {
  readonly resume: Extract<Resume, { readonly verdict: 'reset' }>;
  /** The last fact that came. */
  readonly after: number;
  readonly facts: readonly Fact[];
}

export class SessionLink implements SessionHandle {
  readonly sessionId: string;
  readonly state: Settable<SessionLinkState> = observable<SessionLinkState>('waiting');
  readonly #sink: SessionSink;
  readonly #context: SessionLinkContext;
  readonly #tty: boolean;
  /** The last fact handed out; null: none, and the newest are wanted. */
  #after: number | null;
  #tail: ArrivingTail | null = null;
  /** The next byte of output wanted; null: a screen has to come first. */
  #next: number | null;
  #dialled: Dialled | null = null;
  /** Names the latest subscription; answers to earlier ones are not heard. */
  #subscription = 0;
  #awaiting = false;
  #missing = false;
  /** Subscriptions in a row that brought nothing new. */
  #fruitless = 0;
  /** -1: nothing yet. A first screen at offset 0 is told too: the server waits for it. */
  #parsed = -1;
  #cancelRetry: (() => void) | null = null;
  #connections = 0;
  #repaired = 0;
  #resets = 0;

  constructor(sessionId: string, options: OpenOptions, sink: SessionSink, context: SessionLinkContext) {
    this.sessionId = sessionId;
    this.#sink = sink;
    this.#context = context;
    this.#after = options.after === undefined ? 0 : options.after;
    this.#tty = options.tty !== undefined;
    this.#next = options.tty?.from ?? null;
  }

  lastSeq(): number {
    return this.#after ?? 0;
  }

  describe(): OpenSession {
    return {
      sessionId: this.sessionId,
      state: this.state.get(),
      lastSeq: this.lastSeq(),
      output: this.#tty ? this.#next : null,
      parsed: this.#parsed < 0 ? null : this.#parsed,
      resumed: Math.max(0, this.#connections - 1),
      repaired: this.#repaired,
      resets: this.#resets,
    };
  }

  /** Up to date, or never going to be. */
  get settled(): boolean {
    const state = this.state.get();
    return state === 'live' || state === 'refused' || state === 'closed';
  }

  get #over(): boolean {
    const state = this.state.get();
    return state === 'refused' || state === 'closed';
  }

  connected(dialled: Dialled): void {
    this.#dialled = dialled;
    this.#fruitless = 0;
    this.#connections += 1;
    this.#subscribe();
  }

  disconnected(): void {
    this.#dialled = null;
    this.#tail = null;
    this.#subscription += 1;
    this.#awaiting = false;
    this.#stopRetry();
    if (!this.#over) this.state.set('waiting');
  }

  parsed(offset: number): void {
    if (offset <= this.#parsed) return;
    this.#parsed = offset;
    this.#dialled?.tell('parsed', { sessionId: this.sessionId, offset });
  }

  redraw(): void {
    if (!this.#tty) return;
    this.#next = null;
    this.#subscribe();
  }

  close(): void {
    if (this.state.get() === 'closed') return;
    const subscribed = this.#dialled !== null && !this.#over;
    this.#stopRetry();
    this.state.set('closed');
    if (subscribed) this.#dialled?.tell('unsubscribe', { sessionId: this.sessionId });
    this.#dialled = null;
    this.#context.closed(this);
  }

  receive(push: Extract<Push, { readonly sessionId: string }>): void {
    if (this.#over) return;
    switch (push.type) {
      case 'facts':
        return this.#facts(push.facts);
      case 'synced':
        return this.#synced(push.seq);
      case 'tty':
        return this.#output(push.offset, push.data);
      case 'screen':
        return this.#screen(push.screen);
      case 'preview':
        return this.#sink.preview?.(push.preview);
      case 'presence':
        return this.#sink.presence?.(push.presence);
      case 'sessionDeleted':
        return this.#refuse({ kind: 'not_found', message: 'the session was deleted' });
    }
  }

  #subscribe(): void {
    if (this.#dialled === null || this.#over) return;
    this.#stopRetry();
    this.#tail = null;
    this.#subscription += 1;
    this.#awaiting = true;
    this.#missing = false;
    // A new subscription counts from where it begins: what was parsed before must be told again.
    this.#parsed = -1;
    this.state.set('catching-up');
    const subscription = this.#subscription;
    const tty = this.#tty ? { tty: { from: this.#next } } : {};
    const body = { sessionId: this.sessionId, after: this.#after, ...tty };
    this.#dialled.request('subscribe', body, answerMs, (answer) => {
      if (subscription !== this.#subscription || this.#over) return;
      this.#awaiting = false;
      if (!answer.ok) return this.#refused(answer.error);
      if (answer.value.verdict === 'reset') {
        this.#tail = { resume: answer.value, after: answer.value.from - 1, facts: [] };
        this.#finishTail();
      } else if (this.#missing) this.#again(0);
    });
  }

  /** Hands the tail out once it is whole. */
  #finishTail(): void {
    const tail = this.#tail;
    if (tail === null || tail.after < tail.resume.lastSeq) return;
    const { base, from, lastSeq, oldestSeq } = tail.resume;
    if (this.#after !== null) this.#resets += 1;
    this.#tail = null;
    this.#after = tail.after;
    this.#fruitless = 0;
    const later = tail.facts.filter(({ seq }) => seq > lastSeq);
    const facts = tail.facts.slice(0, tail.facts.length - later.length);
    this.#sink.reset({ base, from, lastSeq, oldestSeq, facts });
    if (later.length > 0 && !this.#over) this.#sink.facts(later);
    this.#context.progressed(this);
  }

  #refused(error: ErrorBody): void {
    if (passing.has(error.kind)) this.#again(error.retryAfterMs ?? 0);
    else this.#refuse(error);
  }

  #refuse(error: ErrorBody): void {
    this.#stopRetry();
    this.state.set('refused');
    this.#context.progressed(this);
    this.#sink.refused?.(error);
  }

  /** Something is missing: subscribe again, at once the first time, then with growing pauses. */
  #again(atLeastMs: number): void {
    if (this.#awaiting) {
      this.#missing = true;
      return;
    }
    if (this.#cancelRetry !== null) return;
    const wait = this.#fruitless === 0 ? 0 : fullJitter(this.#fruitless, this.#context.random(), pause);
    this.#fruitless += 1;
    this.#repaired += 1;
    const ms = Math.max(wait, atLeastMs);
    if (ms === 0) return this.#subscribe();
    this.#cancelRetry = this.#context.clock.after(ms, () => {
      this.#cancelRetry = null;
      this.#subscribe();
    });
  }

  #stopRetry(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  #facts(received: readonly ReceivedFact[]): void {
    // What comes before the answer belongs to an earlier subscription: where this one goes on does not know of it.
    if (this.#awaiting) return;
    const after = this.#reached();
    if (after === null) return;
    const { cursor, fresh, gap } = acceptFacts({ after }, received);
    const facts = fresh.map(({ fact }) => fact).filter((fact): fact is Fact => fact !== null);
    if (this.#tail !== null) {
      this.#tail = { ...this.#tail, after: cursor.after, facts: [...this.#tail.facts, ...facts] };
      this.#finishTail();
      if (gap) this.#again(0);
      return;
    }
    this.#after = cursor.after;
    if (fresh.length > 0) this.#fruitless = 0;
    if (gap) this.#again(0);
    if (facts.length > 0) this.#sink.facts(facts);
    if (fresh.length > 0) this.#context.progressed(this);
  }

  /** The last fact that came, handed out or not. */
  #reached(): number | null {
    return this.#tail === null ? this.#after : this.#tail.after;
  }

  #synced(seq: number): void {
    // What comes before the answer belongs to an earlier subscription.
    if (this.#awaiting) return;
    if (seq > (this.#reached() ?? -1)) return this.#again(0);
    if (this.#cancelRetry !== null) return;
    this.#fruitless = 0;
    this.state.set('live');
    this.#sink.synced?.(this.lastSeq());
    this.#context.progressed(this);
  }

  #output(offset: number, data: Uint8Array): void {
    if (!this.#tty || this.#next === null) return;
    const accepted = acceptOutput(this.#next, offset, data);
    this.#next = accepted.next;
    if (accepted.gap) return this.#again(0);
    if (accepted.data.byteLength > 0) this.#sink.tty?.(accepted.offset, accepted.data);
  }

  #screen(screen: Screen): void {
    if (!this.#tty) return;
    this.#next = screen.offset;
    // The server waits until this screen has been parsed, also where output up to there was parsed before.
    this.#parsed = -1;
    this.#sink.screen?.(screen);
  }
}
