/**
 * Finds out whether the other end of a socket is still there, by the rules of core's liveness: asks it, hears every byte,
 * and says once when it is gone. Engine.IO has pings of its own, whose answers are signs of life like any other; they
 * decide nothing, since they would give up a client whose answer waits behind what it is sending.
 */
import { answered, ask, deadAt, heard, livenessDue, livenessTimes, newLiveness } from '@holdfast/core/link/liveness.ts';
import { alarm } from '@holdfast/link/alarm.ts';
import type { Clock } from '@holdfast/link/client-interface.ts';
import { pingSchema } from '@holdfast/protocol/rest.ts';

/** For both doors, ms. pingTimeout: longer than any busy client takes. */
export const engineTimes = { pingInterval: livenessTimes.ping, pingTimeout: 300_000, connectTimeout: 10_000 } as const;

interface ByteStream {
  on(event: 'data', listener: () => void): unknown;
  off(event: 'data', listener: () => void): unknown;
}

interface Transport {
  readonly writable: boolean;
  /** Of WebSockets only. */
  readonly socket?: { readonly _socket?: ByteStream | null; terminate(): void };
  /** Of long-polling only: the request that waits for something to say. */
  readonly req?: { readonly socket: { destroy(): void } } | null;
}

/** Of Engine.IO. */
export interface PeerConnection {
  readonly transport: Transport;
  on(event: 'packet' | 'close', listener: () => void): unknown;
  /** It has another transport from now on. */
  on(event: 'upgrade', listener: (transport: Transport) => void): unknown;
  close(discard?: boolean): unknown;
}

export interface PeerLivenessOptions {
  readonly connection: PeerConnection;
  /** Names this link to its peer. */
  readonly link: string;
  readonly clock: Clock;
  readonly ping: (message: { nonce: string }, answer: (pong: unknown) => void) => void;
  /** Nothing was heard for too long. Called once, at most. */
  readonly gone: () => void;
}

/** Until the connection has closed. */
export function watchPeer({ connection, link, clock, ping, gone }: PeerLivenessOptions): void {
  let liveness = newLiveness(clock.now());
  /** It was dead at the last look. If this process was too busy to read, what it missed is read before the next one. */
  let suspected = false;
  let stream: ByteStream | undefined;

  const hear = (): void => {
    liveness = heard(liveness, clock.now());
    suspected = false;
  };
  const follow = (transport: Transport): void => {
    stream?.off('data', hear);
    stream = transport.socket?._socket ?? undefined;
    stream?.on('data', hear);
  };
  const look = (): void => {
    const now = clock.now();
    if (now >= deadAt(liveness)) {
      if (suspected) return gone();
      suspected = true;
      return timer.set(now);
    }
    if (now >= liveness.nextPing) {
      const asked = ask(liveness, link, now);
      liveness = asked.liveness;
      ping({ nonce: asked.nonce }, (value) => {
        const pong = pingSchema.safeParse(value);
        if (pong.success) liveness = answered(liveness, pong.data.nonce, clock.now()).liveness;
      });
    }
    timer.set(livenessDue(liveness));
  };
  const timer = alarm(clock, look);

  connection.on('packet', hear);
  connection.on('upgrade', follow);
  follow(connection.transport);
  timer.set(livenessDue(liveness));
  connection.on('close', () => timer.set(null));
}

/** Ends a connection at once, without a goodbye that would wait for the peer. Clients connect again by themselves. */
export function cutOff(connection: PeerConnection): void {
  const { socket, req } = connection.transport;
  const waiting = req?.socket;
  connection.close(true);
  socket?.terminate();
  waiting?.destroy();
}
