/**
 * Whether the other end of a link is there: each end asks with a nonce and counts its silence. Any byte is a sign of
 * life, so that one who is slow or busy is not given up; a ping only makes sure that there is something to hear. The same
 * on both ends of every link, with the same numbers. Pure: the caller sends pings and tells what it hears.
 */

export const livenessTimes = {
  /** Milliseconds between two pings. */
  ping: 15_000,
  /** Nothing heard for so long: the link is dead. */
  stale: 30_000,
  /** Asked because something happened (page in the foreground, another network): an answer must come within this. */
  check: 4_000,
} as const;

/** Times are clock milliseconds. */
export interface Liveness {
  readonly heardAt: number;
  readonly nextPing: number;
  /** Sent on this link. */
  readonly pings: number;
  /** The last one, while it is not answered. */
  readonly asked: { readonly nonce: string; readonly at: number } | null;
  /** Something must be heard before this; null: no check under way. */
  readonly checkBy: number | null;
}

/** Of a link that opened just now. */
export const newLiveness = (at: number): Liveness => ({
  heardAt: at,
  nextPing: at + livenessTimes.ping,
  pings: 0,
  asked: null,
  checkBy: null,
});

/** Something came, whatever it was. */
export const heard = (liveness: Liveness, at: number): Liveness => ({ ...liveness, heardAt: at, checkBy: null });

/** A ping goes out now. link: names this link among all that this end has had. */
export function ask(liveness: Liveness, link: string, at: number): { liveness: Liveness; nonce: string } {
  const pings = liveness.pings + 1;
  const nonce = `${link}-${pings}`;
  return { liveness: { ...liveness, pings, asked: { nonce, at }, nextPing: at + livenessTimes.ping }, nonce };
}

/** As ask(); the answer must come soon. */
export function check(liveness: Liveness, link: string, at: number): { liveness: Liveness; nonce: string } {
  const asked = ask(liveness, link, at);
  return { ...asked, liveness: { ...asked.liveness, checkBy: at + livenessTimes.check } };
}

/** roundTripMs: null where it answers no ping that is still waited for. */
export function answered(
  liveness: Liveness,
  nonce: string,
  at: number,
): { liveness: Liveness; roundTripMs: number | null } {
  const alive = heard(liveness, at);
  if (liveness.asked?.nonce !== nonce) return { liveness: alive, roundTripMs: null };
  return { liveness: { ...alive, asked: null }, roundTripMs: at - liveness.asked.at };
}

/** Unless something is heard before, the link is dead from then on. */
export const deadAt = ({ heardAt, checkBy }: Liveness): number =>
  Math.min(heardAt + livenessTimes.stale, checkBy ?? Infinity);

/** When to look again: a ping is due, or the link is dead. */
export const livenessDue = (liveness: Liveness): number => Math.min(liveness.nextPing, deadAt(liveness));
