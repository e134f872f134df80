/** One event stream by fetch: opened once, says what came and what became of it, and never comes back by itself. */
import { livenessTimes } from '@holdfast/core/link/liveness.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { Clock } from './client-interface.ts';
import { EventStreamParser, type ServerEvent } from './event-stream-parser.ts';
import { refused } from './rest.ts';

/** UTF-16 units of one event: a screen with all its scrollback is the largest. */
const largestEvent = 16 * 1024 * 1024;

export interface EventStreamEvents {
  /** Bytes came. */
  heard(): void;
  /** In order; what came in one piece comes in one call. Never empty, and without heartbeats. */
  events(events: readonly ServerEvent[]): void;
  /** The server asks whether somebody is there. */
  heartbeat(data: string): void;
  /** The server did not open it. Called once, and nothing after it. */
  refused(error: ErrorBody): void;
  /** It was open and is over, or was silent for too long. Called once, and nothing after it. */
  ended(error: ErrorBody): void;
}

const lost: ErrorBody = { kind: 'unavailable', message: 'the connection was lost' };
const silent: ErrorBody = { kind: 'timeout', message: 'nothing was heard from the server' };
const unreachable: ErrorBody = { kind: 'unavailable', message: 'the server cannot be reached' };
const foreign: ErrorBody = { kind: 'unavailable', message: 'something between here and the server answers for it' };

/** ask: the request. Returns the function that ends it; no call after that. */
export function openEventStream(
  ask: (signal: AbortSignal) => Promise<Response>,
  clock: Clock,
  on: EventStreamEvents,
): () => void {
  const aborter = new AbortController();
  let over = false;
  let lastHeard = clock.now();
  let cancelCheck: (() => void) | null = null;

  const close = (): void => {
    over = true;
    cancelCheck?.();
    aborter.abort();
  };
  const finish = (tell: (error: ErrorBody) => void, error: ErrorBody): void => {
    if (over) return;
    close();
    tell(error);
  };
  /** A stream that is open and says nothing, not even its heartbeat, is dead. */
  const check = (): void => {
    const silence = clock.now() - lastHeard;
    if (silence >= livenessTimes.stale) finish((error) => on.ended(error), silent);
    else cancelCheck = clock.after(livenessTimes.stale - silence, check);
  };

  const run = async (): Promise<void> => {
    const response = await ask(aborter.signal).catch(() => null);
    if (response === null) return finish((error) => on.refused(error), unreachable);
    if (!response.ok) {
      const answer = await refused(response).catch(() => ({ error: unreachable }));
      return finish((error) => on.refused(error), answer.error);
    }
    const type = response.headers.get('content-type') ?? '';
    if (response.body === null || !type.startsWith('text/event-stream')) {
      return finish((error) => on.refused(error), foreign);
    }
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventStreamParser(largestEvent);
    lastHeard = clock.now();
    check();
    for (;;) {
      const piece = await reader.read().catch(() => null);
      if (over) return;
      if (piece === null || piece.done) return finish((error) => on.ended(error), lost);
      lastHeard = clock.now();
      on.heard();
      const events = parser.push(decoder.decode(piece.value, { stream: true }));
      if (events === null) return finish((error) => on.ended(error), lost);
      for (const { name, data } of events) if (name === 'heartbeat' && !over) on.heartbeat(data);
      const others = events.filter(({ name }) => name !== 'heartbeat');
      if (others.length > 0 && !over) on.events(others);
    }
  };
  run().catch((error: unknown) => {
    // What gets here was thrown by who listens, and is rethrown where it is seen.
    close();
    queueMicrotask(() => {
      throw error;
    });
  });
  return close;
}
