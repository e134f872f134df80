/** Connects in the best way that can be had: one way after the other, and back to a better one when that works again. */
import {
  type Transport,
  type TransportChoice,
  betterFailed,
  betterWays,
  networkChanged,
  newTransportChoice,
  transportOpened,
  transportTimes,
  transports,
  transportsFailed,
  waysToTry,
} from '@holdfast/core/client/transport-choice.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { Clock } from './client-interface.ts';
import { type DialEvents, type Dialled, dial } from './dial.ts';
import { dialEventStreams } from './event-stream-dial.ts';

export interface DiallerOptions {
  readonly url: string;
  /** API key; without it the browser's cookie is the login. */
  readonly key?: string;
  /** Default: all. Kept in the order of `transports`, best first. */
  readonly transports?: readonly Transport[];
  readonly clock: Clock;
  readonly clientId: string;
}

/** As DialEvents, with the way that was opened. */
export interface ConnectionEvents extends Omit<DialEvents, 'opened'> {
  opened(transport: Transport, serverId: string): void;
}

/**
 * The server's own word, the same on every way: another one is no way round a limit. Not so a refused login: what
 * stands between here and the server may refuse sockets with the same status, so the last way decides.
 */
const isFinal = ({ kind, retryAfterMs }: ErrorBody): boolean =>
  kind === 'unsupported_version' || kind === 'quota_exceeded' || retryAfterMs !== undefined;

export class Dialler {
  readonly #options: DiallerOptions;
  readonly #allowed: readonly Transport[];
  #choice: TransportChoice = newTransportChoice;
  /** Tries the better ways beside the open connection; null: it is on the best, or there is none. */
  #tryBetter: ((atOnce: boolean) => void) | null = null;

  constructor(options: DiallerOptions) {
    this.#options = options;
    const wanted = options.transports ?? transports;
    this.#allowed = transports.filter((transport) => wanted.includes(transport));
  }

  /** One attempt; what it opened lasts until it is lost or closed. */
  dial(events: ConnectionEvents): Dialled {
    let stopBetter: (() => void) | null = null;
    const stop = (): void => {
      stopBetter?.();
      stopBetter = null;
      this.#tryBetter = null;
    };
    const ways = waysToTry(this.#choice, this.#allowed, this.#now());
    let opened = false;
    const attempt = this.#tryWays(ways, {
      ...events,
      opened: (transport, serverId) => {
        opened = true;
        this.#choice = transportOpened(this.#choice, transport, this.#now());
        this.#tryBetter = (atOnce) => {
          stopBetter?.();
          stopBetter = this.#better(atOnce, () => {
            stop();
            events.move(0);
          });
        };
        this.#tryBetter(false);
        events.opened(transport, serverId);
      },
      lost: (error) => {
        stop();
        if (!opened) this.#choice = transportsFailed();
        events.lost(error);
      },
    });
    return {
      request: (...parameters) => attempt.request(...parameters),
      tell: (...parameters) => attempt.tell(...parameters),
      close: () => {
        stop();
        if (!opened) this.#choice = transportsFailed();
        attempt.close();
      },
    };
  }

  /** What could not be had may be had now. */
  networkChanged(): void {
    this.#choice = networkChanged(this.#choice, this.#now());
    this.#tryBetter?.(true);
  }

  #now(): number {
    return this.#options.clock.now();
  }

  /** Calls `found` once when a better way than the open one works. Returns the function that ends the trying. */
  #better(atOnce: boolean, found: () => void): () => void {
    let trying: Dialled | null = null;
    let cancel: (() => void) | null = null;
    const wait = (ms: number): void => {
      const ways = betterWays(this.#choice, this.#allowed);
      if (ways.length === 0) return;
      cancel = this.#options.clock.after(ms, () => {
        trying = this.#tryWays(ways, {
          opened: (transport) => {
            trying?.close();
            this.#choice = transportOpened(this.#choice, transport, this.#now());
            found();
          },
          lost: () => {
            this.#choice = betterFailed(this.#choice, this.#now());
            wait(this.#choice.pause);
          },
          move: () => undefined,
          heard: () => undefined,
          pushed: () => undefined,
        });
      });
    };
    wait(atOnce ? 0 : Math.max(0, this.#choice.againAt - this.#now()));
    return () => {
      cancel?.();
      trying?.close();
    };
  }

  /** Each of the ways in turn, the last with all the time that is left. lost: of the last, or of the open one. */
  #tryWays(ways: readonly Transport[], events: ConnectionEvents): Dialled {
    const { clock } = this.#options;
    let current: Dialled | null = null;
    let cancelTimer: (() => void) | null = null;
    const stopTimer = (): void => {
      cancelTimer?.();
      cancelTimer = null;
    };
    const attempt = (index: number): void => {
      const way = ways[index];
      if (way === undefined) throw new Error('a client needs a transport it may use');
      const last = index === ways.length - 1;
      let opened = false;
      current = this.#dialWay(way, {
        ...events,
        opened: (serverId) => {
          stopTimer();
          opened = true;
          events.opened(way, serverId);
        },
        lost: (error) => {
          stopTimer();
          if (opened || last || isFinal(error)) events.lost(error);
          else attempt(index + 1);
        },
      });
      if (last) return;
      cancelTimer = clock.after(transportTimes.each, () => {
        current?.close();
        attempt(index + 1);
      });
    };
    attempt(0);
    return {
      request: (...parameters) => current?.request(...parameters),
      tell: (...parameters) => current?.tell(...parameters),
      close: () => {
        stopTimer();
        current?.close();
      },
    };
  }

  #dialWay(way: Transport, events: DialEvents): Dialled {
    const { url, key, clock, clientId } = this.#options;
    const login = { url, clientId, ...(key === undefined ? {} : { key }) };
    return way === 'sse'
      ? dialEventStreams({ ...login, clock }, events)
      : dial({ ...login, transports: [way] }, events);
  }
}
