/**
 * Which way to the server an attempt takes: the best first, the next one down when it fails, and for a while straight
 * to the one that worked. Pure: the caller dials and tells what became of it.
 */

/** Best first. polling: Socket.IO's long-polling; sse: REST and event streams. */
export const transports = ['websocket', 'polling', 'sse'] as const;
export type Transport = (typeof transports)[number];

export const transportTimes = {
  /** Milliseconds a way has to open while there is another one to try in the same attempt. */
  each: 4_000,
  /** Until the better ways are tried again: at first, and at most. */
  again: { first: 30_000, most: 600_000 },
} as const;

export interface TransportChoice {
  /** The last that opened; null: none yet, or it failed since. */
  readonly opened: Transport | null;
  /** Clock milliseconds: not before this are ways better than `opened` tried. */
  readonly againAt: number;
  readonly pause: number;
}

export const newTransportChoice: TransportChoice = { opened: null, againAt: 0, pause: transportTimes.again.first };

/** What an attempt begun now tries, one after the other. Never empty where `allowed` is not. */
export function waysToTry(
  choice: TransportChoice,
  allowed: readonly Transport[],
  at: number,
): readonly [Transport, ...Transport[]] | readonly [] {
  const { opened } = choice;
  const from = opened === null || at >= choice.againAt ? 0 : allowed.indexOf(opened);
  const [first, ...rest] = allowed.slice(Math.max(0, from));
  return first === undefined ? [] : [first, ...rest];
}

/** The ways that are better than the open one, to be tried beside it from `againAt` on. */
export const betterWays = (choice: TransportChoice, allowed: readonly Transport[]): readonly Transport[] =>
  choice.opened === null ? [] : allowed.slice(0, Math.max(0, allowed.indexOf(choice.opened)));

export function transportOpened(choice: TransportChoice, transport: Transport, at: number): TransportChoice {
  if (choice.opened === transport && at < choice.againAt) return choice;
  const pause = choice.opened === transport ? choice.pause : transportTimes.again.first;
  return { opened: transport, pause, againAt: at + pause };
}

/** An attempt failed on every way it tried: begin with the best again. */
export const transportsFailed = (): TransportChoice => newTransportChoice;

/** The better ways failed again beside the open one: ask less often. */
export function betterFailed(choice: TransportChoice, at: number): TransportChoice {
  const pause = Math.min(choice.pause * 2, transportTimes.again.most);
  return { ...choice, pause, againAt: at + pause };
}

/** What failed here may work there: the better ways are worth trying now. */
export const networkChanged = (choice: TransportChoice, at: number): TransportChoice => ({
  ...choice,
  pause: transportTimes.again.first,
  againAt: at,
});
