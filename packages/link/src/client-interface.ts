/**
 * What a page or the CLI sees of the server: one client that survives lost connections, server restarts and reloads.
 * Nothing here knows Socket.IO; see client.ts for the implementation.
 */
import type { ConnectionView, WakeReason } from '@holdfast/core/client/connection.ts';
import type { CommandBody, Delay, DeliveryState, OutboxEntry } from '@holdfast/core/client/outbox.ts';
import type { LogTail } from '@holdfast/core/client/log-view.ts';
import type { Transport } from '@holdfast/core/client/transport-choice.ts';
import type { Observable } from '@holdfast/core/client/observable.ts';
import type { ErrorBody, Result } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Presence } from '@holdfast/protocol/presence.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import type { OutboxStorage } from './outbox-storage.ts';

export interface ClientOptions {
  /** Origin of the server, e.g. location.origin or http://127.0.0.1:3030. */
  readonly url: string;
  /** API key; without it the browser's cookie is the login. */
  readonly key?: string;
  /** Where unsent commands are kept; see memory-outbox.ts and indexed-db-outbox.ts. */
  readonly storage: OutboxStorage;
  /** What to do when the very first connection cannot be had. fail: report and stop (CLI); retry: report once, go on (page). */
  readonly firstFailure: 'fail' | 'retry';
  readonly clock: Clock;
  /** Names this client in presence, over all its connections and, where it is kept, its lives. Default: a new one. */
  readonly clientId?: string;
  /** In [0, 1). */
  readonly random: () => number;
  /** A new id each call: letters, digits, _ and -, at most 64. */
  readonly makeId: () => string;
  /** The ways it may take; default: WebSocket, else long-polling, else event streams and REST. */
  readonly transports?: readonly Transport[];
}

export interface Clock {
  /** Milliseconds; only differences count. */
  now(): number;
  /** Wall time, ISO 8601 UTC. */
  time(): string;
  /** Calls once after `ms`; returns the cancel function. */
  after(ms: number, call: () => void): () => void;
}

/** Told to the person once, and not an error of one message. */
export interface Notice {
  readonly kind: 'first_connect_failed' | 'storage_failed';
  readonly message: string;
}

/** How an opened session is handed out. Calls are in order; none comes after the handle's close. A throw is the caller's bug. */
export interface SessionSink {
  /** Each fact after `after` exactly once and in order, across reconnects. Never empty. */
  facts(facts: readonly Fact[]): void;
  /** All that was stored when the (re)subscription began has been handed out. */
  synced?(seq: number): void;
  /** Text being written; give it to applyPreview of core's transcript. */
  preview?(preview: Preview): void;
  /** Terminal output, contiguous, each byte once; tell the handle's `parsed` when the terminal has taken it. */
  tty?(offset: number, data: Uint8Array): void;
  /** Replaces the terminal's content and size; output goes on from screen.offset. */
  screen?(screen: Screen): void;
  /** Who is attached, this client included; the latest is all that counts. */
  presence?(presence: Presence): void;
  /**
   * The newest part of the log, whole, in place of what was folded before: nothing was (after: null), or it is not of
   * this log, or too far behind it. The facts after tail.lastSeq follow.
   */
  reset(tail: LogTail): void;
  /** Not found, not allowed, or deleted: nothing more comes on this handle. */
  refused?(error: ErrorBody): void;
}

export interface OpenOptions {
  /** The last fact the caller has (0: none, the default). null: the newest are enough, they come by `reset`. */
  readonly after?: number | null;
  /** Also the terminal's output. from: the next byte wanted; null: a screen first. */
  readonly tty?: { readonly from: number | null };
}

export type SessionLinkState = 'waiting' | 'catching-up' | 'live' | 'refused' | 'closed';

export interface SessionHandle {
  readonly sessionId: string;
  readonly state: Observable<SessionLinkState>;
  /** The last fact handed out; 0: none. */
  lastSeq(): number;
  /** Output before `offset` has been taken by the terminal: gives the server credit for more. */
  parsed(offset: number): void;
  /** Throws the terminal away and asks for a screen again. */
  redraw(): void;
  close(): void;
}

/** One command on its way. The entry itself is in HoldfastClient.outbox until it is known to be in the log. */
export interface SentCommand {
  readonly id: string;
  readonly state: Observable<DeliveryState>;
}

export interface InputStatus {
  /** Written and not yet acknowledged by the terminal. */
  readonly pendingBytes: number;
  /** null: nothing holds it back. */
  readonly delay: Delay | null;
  /** Set when the last keys were refused or dropped; cleared by the next write. */
  readonly error: ErrorBody | null;
}

export interface InputHandle {
  readonly status: Observable<InputStatus>;
  /** Kept and sent exactly once, in order, also across reconnects. Refused (quota_exceeded) when too much is kept. */
  write(data: Uint8Array | string): Result<null>;
  /** Drops what is kept. */
  close(): void;
}

export type SessionsEvent =
  /** The watch (re)began: read the list now, changes before this may have been missed. */
  | { readonly type: 'watching' }
  | { readonly type: 'session'; readonly session: SessionDescriptor }
  | { readonly type: 'sessionDeleted'; readonly sessionId: string };

export interface LatencyStats {
  /** Round trips of pings in milliseconds; null before the first. */
  readonly lastMs: number | null;
  readonly medianMs: number | null;
  readonly samples: number;
}

/** How the open connection goes. */
export interface ConnectionPath {
  readonly transport: Transport;
  /** Wall time, ISO 8601 UTC. */
  readonly since: string;
}

/** What the connection has been through since the start, for the person who asks why. */
export interface ConnectionHistory {
  /** Connections that were had. */
  readonly opened: number;
  /** Attempts that failed, and connections that ended by themselves. */
  readonly lost: number;
  /** When and why the last of those. at: wall time, ISO 8601 UTC. */
  readonly last: { readonly at: string; readonly error: ErrorBody } | null;
}

/** What is known of an opened session, for the person who asks why. */
export interface OpenSession {
  readonly sessionId: string;
  readonly state: SessionLinkState;
  readonly lastSeq: number;
  /** The next byte of output wanted; null: no terminal, or a screen has to come first. */
  readonly output: number | null;
  /** Output before this byte has been taken by the terminal and given back as credit; null: none yet. */
  readonly parsed: number | null;
  /** Subscriptions on a new connection, after the first. */
  readonly resumed: number;
  /** Subscriptions because something was missing, or could not be had at once. */
  readonly repaired: number;
  /** Times what had been read was replaced by the newest part of the log. */
  readonly resets: number;
}

export interface HoldfastClient {
  readonly clientId: string;
  readonly connection: Observable<ConnectionView>;
  /** null while not connected. */
  readonly path: Observable<ConnectionPath | null>;
  readonly history: Observable<ConnectionHistory>;
  /** Every command not yet known to be in the log, oldest first: saving, saved, sending, stored, failed, unsure. */
  readonly outbox: Observable<readonly OutboxEntry[]>;
  readonly latency: Observable<LatencyStats>;
  /** All since the start, oldest first. */
  readonly notices: Observable<readonly Notice[]>;

  /** Begins to connect; does nothing while connecting or connected. Also after `failed` (logged in again). */
  connect(): void;
  /** Something says that the network may have changed: checks or reconnects at once. See browser-wakes.ts. */
  wake(reason: WakeReason): void;
  /** Nobody looks: a server that is away is asked less often, until it wakes in the foreground. */
  unwatched(): void;

  /** At most one handle per session: a second one replaces (closes) the first. */
  openSession(sessionId: string, options: OpenOptions, sink: SessionSink): SessionHandle;
  openSessions(): readonly OpenSession[];
  /** bad_request when it does not fit its schema, quota_exceeded when the outbox is full; nothing is kept then. */
  send(sessionId: string, command: CommandBody): Result<SentCommand>;
  /** A failed or unsure command, again under the same id. */
  retry(commandId: string): void;
  /** Forgets a command that is not being sent. */
  discard(commandId: string): void;
  /** Keystrokes; one stream per session and client, the same handle while it is open. */
  input(sessionId: string): InputHandle;
  watchSessions(listener: (event: SessionsEvent) => void): () => void;

  /** Ends the connection and all handles. What is in the storage stays for the next client. */
  close(): Promise<void>;
}

export type CreateClient = (options: ClientOptions) => HoldfastClient;
