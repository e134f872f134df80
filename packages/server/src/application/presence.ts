/**
 * Who is attached to which session on this server: derived from subscriptions, in memory, owned by no connection. Core
 * says who counts; this keeps the time and tells everybody.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Driver, Presence as Told } from '@holdfast/protocol/presence.ts';
import {
  type Attendance,
  type Client,
  attach,
  detach,
  isConnected,
  nextSettlement,
  presenceOf,
  settle,
} from '@holdfast/core/presence/attendance.ts';
import type { Attended } from '@holdfast/core/session/status.ts';
import type { SubscriberSink } from './application.ts';

/** What happens within so many ms is told at once. */
const tellPauseMs = 50;

export interface PresenceOptions {
  /** Wall time, ISO 8601 UTC. */
  readonly time: () => string;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** Calls back once after so many ms, and is cancelled by the answer. */
  readonly later: (ms: number, call: () => void) => () => void;
  readonly driverOf: (sessionId: string) => Driver | null;
  /** Connections of somebody came or went. */
  readonly onMoved: (sessionId: string) => void;
  /** The first has come, or the last has left. */
  readonly onAttended: (sessionId: string) => void;
}

type Sink = Pick<SubscriberSink, 'presence' | 'congestion'>;

interface Listener {
  readonly sink: Sink;
  /** What it was told last. */
  told: Told | null;
  /** It takes nothing now; when it does, it gets the latest. */
  waits: boolean;
  open: boolean;
}

interface Entry {
  attendance: Attendance;
  readonly listeners: Set<Listener>;
  /** The same object as long as nothing in it changes. */
  presence: Told;
  cancelSettle: (() => void) | null;
  cancelTell: (() => void) | null;
}

export class Presence {
  readonly #options: PresenceOptions;
  readonly #entries = new Map<string, Entry>();
  /** Open sessions that somebody was attached to and nobody is any more. */
  readonly #left = new Set<string>();

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** The client is attached until the function is called, and for the grace after. */
  attach(sessionId: string, client: Client, sink: Sink): () => void {
    const { time, now } = this.#options;
    const known = this.#entries.get(sessionId);
    const entry = known ?? this.#begin(sessionId);
    const listener: Listener = { sink, told: null, waits: false, open: true };
    entry.listeners.add(listener);
    entry.attendance = attach(entry.attendance, client, time());
    this.#changed(sessionId, entry);
    if (known === undefined) this.#options.onAttended(sessionId);
    return () => {
      if (!listener.open) return;
      listener.open = false;
      entry.listeners.delete(listener);
      entry.attendance = detach(entry.attendance, client, now());
      if (this.#entries.get(sessionId) === entry) this.#changed(sessionId, entry);
    };
  }

  of(sessionId: string): Told {
    const attendance = this.#entries.get(sessionId)?.attendance ?? [];
    return presenceOf(attendance, this.#options.driverOf(sessionId));
  }

  attended(sessionId: string): Attended {
    if (this.#entries.has(sessionId)) return 'now';
    return this.#left.has(sessionId) ? 'before' : 'never';
  }

  isConnected(sessionId: string, client: Pick<Client, 'clientId' | 'userId'>): boolean {
    return isConnected(this.#entries.get(sessionId)?.attendance ?? [], client);
  }

  /** Attached, the grace included. */
  find(sessionId: string, clientId: string): Client | null {
    return this.#entries.get(sessionId)?.attendance.find((one) => one.clientId === clientId) ?? null;
  }

  /** Another one drives. */
  driverChanged(sessionId: string): void {
    const entry = this.#entries.get(sessionId);
    if (entry !== undefined) this.#tellSoon(sessionId, entry);
  }

  /** Nothing of it will be asked any more. */
  forget(sessionId: string): void {
    this.#left.delete(sessionId);
  }

  deleted(sessionId: string): void {
    const entry = this.#entries.get(sessionId);
    if (entry !== undefined) this.#end(sessionId, entry);
    this.#left.delete(sessionId);
  }

  close(): void {
    for (const [sessionId, entry] of [...this.#entries]) this.#end(sessionId, entry);
  }

  #begin(sessionId: string): Entry {
    const presence = { people: [], more: 0 };
    const entry = { attendance: [], listeners: new Set<Listener>(), presence, cancelSettle: null, cancelTell: null };
    this.#entries.set(sessionId, entry);
    this.#left.delete(sessionId);
    return entry;
  }

  #end(sessionId: string, entry: Entry): void {
    entry.cancelSettle?.();
    entry.cancelTell?.();
    for (const listener of entry.listeners) listener.open = false;
    this.#entries.delete(sessionId);
  }

  #changed(sessionId: string, entry: Entry): void {
    this.#options.onMoved(sessionId);
    this.#settleLater(sessionId, entry);
    this.#tellSoon(sessionId, entry);
  }

  #settleLater(sessionId: string, entry: Entry): void {
    const { now, later } = this.#options;
    entry.cancelSettle?.();
    entry.cancelSettle = null;
    const next = nextSettlement(entry.attendance);
    if (next === null) return;
    entry.cancelSettle = later(Math.max(0, next - now()), () => {
      entry.cancelSettle = null;
      entry.attendance = settle(entry.attendance, now());
      this.#settleLater(sessionId, entry);
      this.#tellSoon(sessionId, entry);
      if (entry.attendance.length > 0) return;
      this.#end(sessionId, entry);
      this.#left.add(sessionId);
      this.#options.onAttended(sessionId);
    });
  }

  #tellSoon(sessionId: string, entry: Entry): void {
    entry.cancelTell ??= this.#options.later(tellPauseMs, () => {
      entry.cancelTell = null;
      const presence = this.of(sessionId);
      if (!isDeepStrictEqual(presence, entry.presence)) entry.presence = presence;
      for (const listener of entry.listeners) tell(entry, listener);
    });
  }
}

function tell(entry: Entry, listener: Listener): void {
  if (!listener.open || listener.waits || listener.told === entry.presence) return;
  const congestion = listener.sink.congestion();
  if (congestion === null) {
    listener.told = entry.presence;
    listener.sink.presence(entry.presence);
    return;
  }
  listener.waits = true;
  const again = (): void => {
    listener.waits = false;
    tell(entry, listener);
  };
  congestion.then(again, again);
}
