/**
 * Terminal output on this server node: one ring per watched terminal, fed by its runner, and a place in it for every
 * subscriber. One block serves all; who falls out of the ring gets a screen; nobody waits for anybody.
 */
import type { Result } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import type { RunnerAnswer } from '@holdfast/protocol/runner.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import { ByteRing } from '@holdfast/core/stream/byte-ring.ts';
import { type TtyReader, nextTtyStep, ttyParsed, ttyReaderAt, ttySent } from '@holdfast/core/stream/tty-reader.ts';

/** How long a terminal nobody watches keeps its ring for those who come back, ms. */
const lingerMs = 60_000;
/** Those who cannot keep up with a terminal get a screen so often at most, ms. */
const screenIntervalMs = 100;
/** The lines above a screen may take a subscriber so long, ms, at so many bytes each. */
const fillMs = 500;
const lineBytes = 90;

export interface TtySink {
  tty(offset: number, data: Uint8Array): void;
  screen(screen: Screen): void;
}

export interface TerminalFeedEnvironment {
  /** Ask the session's runner to send output from `from` on (null: from now on), or to stop. */
  open(sessionId: string, from: number | null): void;
  close(sessionId: string): void;
  taken(sessionId: string, offset: number): void;
  /** The live screen with so many lines above it. */
  view(sessionId: string, scrollback: number): Promise<Result<RunnerAnswer<'view'>>>;
  now(): number;
}

interface Subscriber {
  readonly sink: TtySink;
  /** null: needs a screen before anything else. */
  reader: TtyReader | null;
  /** What was seen of it before it needed one. */
  before: TtyReader | undefined;
  /** Its last screen had all lines above it that there are, or it needed none. */
  whole: boolean;
  /** The screen under way: parsed up to here before more is sent. */
  awaiting: number | null;
  asking: boolean;
  open: boolean;
}

interface Feed {
  readonly ring: ByteRing;
  /** Where the first subscriber wanted output to begin. */
  readonly from: number | null;
  /** The runner has said where its output begins. */
  opened: boolean;
  readonly subscribers: Set<Subscriber>;
  /** Asked of the machine and not answered, by the lines above the screen. */
  readonly views: Map<number, Promise<Result<RunnerAnswer<'view'>>>>;
  /** When the last screen alone was asked for. */
  askedAt: number;
  linger: NodeJS.Timeout | null;
}

export interface TtySubscription {
  parsed(offset: number): void;
  close(): void;
}

export class TerminalFeeds {
  readonly #environment: TerminalFeedEnvironment;
  readonly #feeds = new Map<string, Feed>();

  constructor(environment: TerminalFeedEnvironment) {
    this.#environment = environment;
  }

  /** from: the next byte wanted, or null for a screen first. */
  subscribe(sessionId: string, from: number | null, sink: TtySink): TtySubscription {
    const feed = this.#feed(sessionId, from);
    const subscriber: Subscriber = {
      sink,
      reader: from === null ? null : ttyReaderAt(from),
      before: undefined,
      whole: true,
      awaiting: null,
      asking: false,
      open: true,
    };
    feed.subscribers.add(subscriber);
    queueMicrotask(() => this.#pump(sessionId, feed, subscriber));
    return {
      parsed: (offset) => this.#parsed(sessionId, feed, subscriber, offset),
      close: () => {
        subscriber.open = false;
        feed.subscribers.delete(subscriber);
        if (feed.subscribers.size === 0) this.#lingering(sessionId, feed);
      },
    };
  }

  opened(sessionId: string, first: number): void {
    const feed = this.#feeds.get(sessionId);
    if (feed === undefined) return this.#environment.close(sessionId);
    feed.opened = true;
    if (first !== feed.ring.end) feed.ring.restart(first);
    for (const subscriber of feed.subscribers) {
      // A reader can only be beyond the beginning if another history was told to it.
      const { reader, awaiting } = subscriber;
      if (reader !== null && awaiting === null && reader.cursor < first) this.#behind(subscriber, reader);
      this.#pump(sessionId, feed, subscriber);
    }
  }

  output(sessionId: string, offset: number, data: Uint8Array): void {
    const feed = this.#feeds.get(sessionId);
    if (feed === undefined || !feed.opened) return;
    if (offset !== feed.ring.end) feed.ring.restart(offset);
    feed.ring.append(data);
    this.#environment.taken(sessionId, offset + data.byteLength);
    for (const subscriber of feed.subscribers) this.#pump(sessionId, feed, subscriber);
  }

  /** The runner is linked again: go on where the ring ends. */
  relinked(sessionIds: Iterable<string>): void {
    for (const sessionId of sessionIds) {
      const feed = this.#feeds.get(sessionId);
      if (feed === undefined) continue;
      this.#environment.open(sessionId, feed.opened ? feed.ring.end : feed.from);
    }
  }

  /** The terminal runs now: whoever came before it did asked a runner that had no such terminal. */
  started(sessionId: string): void {
    const feed = this.#feeds.get(sessionId);
    if (feed?.opened === false) this.#environment.open(sessionId, feed.from);
  }

  watched(): Iterable<string> {
    return this.#feeds.keys();
  }

  delete(sessionId: string): void {
    const feed = this.#feeds.get(sessionId);
    if (feed === undefined) return;
    if (feed.linger !== null) clearTimeout(feed.linger);
    for (const subscriber of feed.subscribers) subscriber.open = false;
    this.#feeds.delete(sessionId);
    this.#environment.close(sessionId);
  }

  close(): void {
    for (const sessionId of [...this.#feeds.keys()]) this.delete(sessionId);
  }

  #feed(sessionId: string, from: number | null): Feed {
    const known = this.#feeds.get(sessionId);
    if (known !== undefined) {
      if (known.linger !== null) clearTimeout(known.linger);
      known.linger = null;
      return known;
    }
    const ring = new ByteRing(limits.serverRing);
    const feed: Feed = {
      ...{ ring, from, opened: false, linger: null },
      ...{ subscribers: new Set(), views: new Map(), askedAt: -Infinity },
    };
    this.#feeds.set(sessionId, feed);
    this.#environment.open(sessionId, from);
    return feed;
  }

  #lingering(sessionId: string, feed: Feed): void {
    feed.linger = setTimeout(() => {
      if (feed.subscribers.size === 0 && this.#feeds.get(sessionId) === feed) this.delete(sessionId);
    }, lingerMs);
    feed.linger.unref();
  }

  #parsed(sessionId: string, feed: Feed, subscriber: Subscriber, offset: number): void {
    if (subscriber.awaiting !== null && offset >= subscriber.awaiting) subscriber.awaiting = null;
    if (subscriber.reader !== null) subscriber.reader = ttyParsed(subscriber.reader, offset, this.#environment.now());
    this.#pump(sessionId, feed, subscriber);
  }

  #pump(sessionId: string, feed: Feed, subscriber: Subscriber): void {
    while (subscriber.open) {
      if (subscriber.reader === null) return this.#sendScreen(sessionId, feed, subscriber);
      if (!feed.opened || subscriber.awaiting !== null) return;
      const step = nextTtyStep(subscriber.reader, feed.ring);
      if (step.do === 'wait') return this.#fill(sessionId, feed, subscriber, subscriber.reader);
      if (step.do === 'screen') {
        this.#behind(subscriber, subscriber.reader);
        continue;
      }
      const data = feed.ring.read(step.from, step.most);
      if (data === null) return;
      subscriber.reader = ttySent(subscriber.reader, data.byteLength, this.#environment.now());
      subscriber.sink.tty(step.from, data);
    }
  }

  #behind(subscriber: Subscriber, reader: TtyReader): void {
    subscriber.before = reader;
    subscriber.reader = null;
  }

  /** The screen alone, which is small: whoever is behind sees at once where the terminal is. */
  #sendScreen(sessionId: string, feed: Feed, subscriber: Subscriber): void {
    this.#ask(sessionId, feed, subscriber, 0, ({ screen, whole }) => this.#show(subscriber, screen, whole));
  }

  /** The lines above it too, once it has parsed all there is. */
  #fill(sessionId: string, feed: Feed, subscriber: Subscriber, { cursor, parsed, rate }: TtyReader): void {
    if (subscriber.whole || cursor < feed.ring.end || parsed < cursor) return;
    this.#ask(sessionId, feed, subscriber, linesAbove(rate), ({ screen }) => {
      // It has gone on meanwhile: again when it has come to rest.
      if (subscriber.reader !== null && screen.offset < subscriber.reader.cursor) return;
      this.#show(subscriber, screen, true);
    });
  }

  #show(subscriber: Subscriber, screen: Screen, whole: boolean): void {
    subscriber.reader = ttyReaderAt(screen.offset, subscriber.reader ?? subscriber.before);
    subscriber.awaiting = screen.offset;
    subscriber.whole = whole;
    subscriber.sink.screen(screen);
  }

  #ask(
    sessionId: string,
    feed: Feed,
    subscriber: Subscriber,
    scrollback: number,
    answered: (view: RunnerAnswer<'view'>) => void,
  ): void {
    if (subscriber.asking) return;
    subscriber.asking = true;
    this.#view(sessionId, feed, scrollback).then(
      (result) => {
        subscriber.asking = false;
        // Without a screen (runner away) the next sign of life asks again.
        if (subscriber.open && result.ok) answered(result.value);
      },
      () => {
        subscriber.asking = false;
      },
    );
  }

  /** One answer for all who wait for the same. One that is older than it should be is soon followed by another. */
  #view(sessionId: string, feed: Feed, scrollback: number): Promise<Result<RunnerAnswer<'view'>>> {
    const underWay = feed.views.get(scrollback);
    if (underWay !== undefined) return underWay;
    const environment = this.#environment;
    // What is asked for once somebody is at rest cannot come too often.
    const pause = scrollback > 0 ? 0 : feed.askedAt + screenIntervalMs - environment.now();
    const ask = (): Promise<Result<RunnerAnswer<'view'>>> => {
      if (scrollback === 0) feed.askedAt = environment.now();
      return environment.view(sessionId, scrollback);
    };
    const paused = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, pause).unref());
    const asked = (pause <= 0 ? ask() : paused().then(ask)).finally(() => feed.views.delete(scrollback));
    feed.views.set(scrollback, asked);
    return asked;
  }
}

/** What a subscriber takes in its time at so many bytes per millisecond (0: not known), in few sizes, so that many ask for the same. */
function linesAbove(rate: number): number {
  const most = rate === 0 ? limits.scrollbackLines : (rate * fillMs) / lineBytes;
  let lines: number = limits.scrollbackLines;
  while (lines > most) lines = Math.floor(lines / 2);
  return lines;
}
