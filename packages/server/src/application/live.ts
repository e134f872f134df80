/** Everything that moves: who subscribes to which session, and what each of them is told after a write. */
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Driver, Presence as Told } from '@holdfast/protocol/presence.ts';
import type { InventoryItem, RunnerAnswer } from '@holdfast/protocol/runner.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import type { SessionDescriptor, SessionStatus } from '@holdfast/protocol/session.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import type { Client } from '@holdfast/core/presence/attendance.ts';
import { kinds } from '@holdfast/core/session/kinds.ts';
import type { SessionQuery, SessionRow, Store } from '@holdfast/store/store.ts';
import type { Logger } from 'pino';
import type { SessionEvent, SubscribeRequest, SubscriberSink, Subscription } from './application.ts';
import { describe, stateOf } from './decisions.ts';
import { Drivers } from './drivers.ts';
import type { Announcements } from './events.ts';
import { Presence } from './presence.ts';
import { PreviewCache } from './preview-cache.ts';
import { type RunnerLink, offline } from './runner-link.ts';
import { type ReplayLimits, SessionFeed } from './session-feed.ts';
import { SessionRows } from './session-rows.ts';
import { TerminalFeeds, type TtySubscription } from './terminal-feed.ts';

export interface LiveOptions {
  readonly store: Store;
  readonly link: (runnerId: string) => Result<RunnerLink>;
  readonly online: (runnerId: string) => boolean;
  readonly instructed: (runnerId: string) => void;
  readonly noted: (session: SessionRow) => void;
  readonly forgotten: (session: SessionRow) => void;
  readonly newId: () => string;
  /** Wall time, ISO 8601 UTC. */
  readonly time: () => string;
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly replay?: ReplayLimits | undefined;
  /** Calls back once after so many ms, and is cancelled by the answer. */
  readonly later: (ms: number, call: () => void) => () => void;
  readonly log: Logger;
}

interface PreviewListener {
  readonly sink: SubscriberSink;
  /** false until the stored facts have been handed out: previews come after them. */
  synced: boolean;
}

export class Live implements Announcements {
  readonly rows: SessionRows;
  readonly #options: LiveOptions;
  readonly #facts: SessionFeed;
  readonly #terminals: TerminalFeeds;
  readonly #previews = new PreviewCache();
  readonly #previewListeners = new Map<string, Set<PreviewListener>>();
  readonly #watchers = new Set<{ readonly ownerId: string; readonly listener: (event: SessionEvent) => void }>();
  readonly #drivers: Drivers;
  readonly #presence: Presence;
  readonly #endWaiters = new Map<string, Set<() => void>>();
  /** Of every session whose terminal is watched. */
  readonly #runnerOf = new Map<string, string>();

  constructor(options: LiveOptions) {
    this.#options = options;
    this.rows = new SessionRows(options.store);
    this.#facts = new SessionFeed(options.store, options.replay);
    this.#terminals = new TerminalFeeds({
      open: (sessionId, from) => this.#send(sessionId, (link) => link.send({ type: 'ttyOpen', sessionId, from })),
      close: (sessionId) => {
        this.#send(sessionId, (link) => link.send({ type: 'ttyClose', sessionId }));
        this.#runnerOf.delete(sessionId);
      },
      taken: (sessionId, offset) => this.#send(sessionId, (link) => link.send({ type: 'ttyTaken', sessionId, offset })),
      view: (sessionId, scrollback) => this.#view(sessionId, scrollback),
      now: options.now,
    });
    this.#drivers = new Drivers({
      ...options,
      announcements: this,
      isConnected: (sessionId, { clientId, id = '' }) =>
        this.#presence.isConnected(sessionId, { clientId, userId: id }),
    });
    this.#presence = new Presence({
      ...options,
      driverOf: (sessionId) => this.#drivers.of(sessionId),
      onMoved: (sessionId) => this.#drivers.moved(sessionId),
      onAttended: (sessionId) =>
        void this.#announceAttended(sessionId).catch((error: unknown) =>
          options.log.warn({ err: error, sessionId }, 'who came or left could not be announced'),
        ),
    });
  }

  // What others announce.

  written(session: SessionRow, facts: readonly Fact[]): void {
    this.rows.written(session);
    this.#options.noted(session);
    this.#previews.written(session.id, facts);
    this.#facts.publish(session.id, facts);
    if (facts.some((fact) => fact.type === 'session.started')) this.#terminals.started(session.id);
    if (this.#drivers.look(session)) this.#presence.driverChanged(session.id);
    this.#announce(session.ownerId, { type: 'session', session: this.describe(session) });
    if (session.status === 'ended' || session.status === 'failed') {
      for (const resolve of this.#endWaiters.get(session.id) ?? []) resolve();
      this.#endWaiters.delete(session.id);
    }
  }

  deleted(session: SessionRow): void {
    this.rows.deleted(session.id);
    this.#options.forgotten(session);
    this.#facts.closeAll(session.id);
    this.#terminals.delete(session.id);
    this.#previews.delete(session.id);
    this.#drivers.forget(session.id);
    this.#presence.deleted(session.id);
    this.#announce(session.ownerId, { type: 'sessionDeleted', sessionId: session.id });
  }

  instructed(runnerId: string): void {
    this.#options.instructed(runnerId);
  }

  ttyOpened(sessionId: string, first: number): void {
    this.#terminals.opened(sessionId, first);
  }

  tty(sessionId: string, offset: number, data: Uint8Array): void {
    this.#terminals.output(sessionId, offset, data);
  }

  preview(sessionId: string, preview: Preview): void {
    if (!this.#previews.add(sessionId, preview)) return;
    for (const listener of this.#previewListeners.get(sessionId) ?? []) {
      if (listener.synced) listener.sink.preview(preview);
    }
  }

  async runnerReady(runnerId: string, inventory: readonly InventoryItem[]): Promise<void> {
    this.#terminals.relinked([...this.#terminals.watched()].filter((id) => this.#runnerOf.get(id) === runnerId));
    const open = await this.#options.store.openSessions(runnerId);
    // Who drove before this server's start has its grace to come back.
    for (const row of open) this.#drivers.look(row);
    this.#announceAll(open);
    const link = this.#options.link(runnerId);
    if (!link.ok) return;
    for (const { sessionId, turnId } of inventory) {
      if (turnId === null) continue;
      const answer = await link.value.ask({ type: 'previews', sessionId });
      if (answer.ok) for (const preview of answer.value.previews) this.preview(sessionId, preview);
    }
  }

  async runnerGone(runnerId: string): Promise<void> {
    if (this.#watchers.size > 0) this.#announceAll(await this.#options.store.openSessions(runnerId));
  }

  // What people ask.

  describe(session: SessionRow): SessionDescriptor {
    return describe(session, this.#options.online(session.runnerId), this.#presence.attended(session.id));
  }

  /** What to ask the store for those whose status is shown as this one; undefined: all. */
  showing(status: SessionStatus | undefined): Pick<SessionQuery, 'status' | 'matches'> {
    if (status === undefined) return {};
    if (status !== 'active' && status !== 'suspended') return { status };
    return { status: 'active', matches: (row) => this.describe(row).status === status };
  }

  presence(sessionId: string): Told {
    return this.#presence.of(sessionId);
  }

  /** The client of this id that is attached to the session. */
  attached(sessionId: string, clientId: string): Driver | null {
    const found = this.#presence.find(sessionId, clientId);
    if (found === null) return null;
    const { userId: id, name, device } = found;
    return { kind: 'user', id, name, device, clientId };
  }

  watch(ownerId: string, listener: (event: SessionEvent) => void): () => void {
    const watcher = { ownerId, listener };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  async subscribe(
    session: SessionRow,
    client: Client,
    request: SubscribeRequest,
    sink: SubscriberSink,
  ): Promise<Result<Subscription>> {
    const listener: PreviewListener = { sink, synced: false };
    const subscribed = await this.#facts.subscribe(session.id, request.after, {
      facts: (facts) => sink.facts(facts),
      synced: (seq) => {
        sink.synced(seq);
        if (listener.synced) return;
        listener.synced = true;
        for (const preview of this.#previews.of(session.id)) sink.preview(preview);
      },
      closed: () => sink.closed(),
      congestion: () => sink.congestion(),
    });
    if (!subscribed.ok) return subscribed;
    const listeners = this.#previewListeners.get(session.id) ?? new Set();
    this.#previewListeners.set(session.id, listeners.add(listener));
    const tty = request.tty === undefined ? null : this.#subscribeTty(session, request.tty.from, sink);
    this.#drivers.look(session);
    const detach = this.#presence.attach(session.id, client, sink);
    const facts = subscribed.value;
    return ok({
      resume: facts.resume,
      parsed: (offset) => tty?.parsed(offset),
      close: () => {
        facts.close();
        tty?.close();
        detach();
        listeners.delete(listener);
        if (listeners.size === 0 && this.#previewListeners.get(session.id) === listeners) {
          this.#previewListeners.delete(session.id);
        }
      },
    });
  }

  /** The live screen, or the last one of a terminal that has ended. */
  async screenAndText(sessionId: string): Promise<Result<{ screen: Screen; text: string }>> {
    const session = await this.#options.store.session(sessionId);
    if (session === null) return fail('not_found', 'There is no such session.');
    if (!kinds[session.kind].hasScreen) return fail('bad_request', 'Only terminals have a screen.');
    if (stateOf(session).end !== 'none') {
      const kept = await this.#options.store.screen(sessionId);
      return kept === null
        ? fail('not_found', 'This terminal ended without leaving a screen.')
        : ok({ screen: kept, text: kept.text });
    }
    const link = this.#options.link(session.runnerId);
    return link.ok ? link.value.ask({ type: 'screen', sessionId }) : link;
  }

  /** Resolves with true once the session has ended or failed, with false after `limit` ms. */
  ended(sessionId: string, limit: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiters = this.#endWaiters.get(sessionId) ?? new Set();
      const done = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        waiters.delete(done);
        resolve(false);
      }, limit);
      this.#endWaiters.set(sessionId, waiters.add(done));
    });
  }

  close(): void {
    this.#terminals.close();
    this.#presence.close();
    this.#drivers.close();
    this.#watchers.clear();
  }

  #subscribeTty(session: SessionRow, from: number | null, sink: SubscriberSink): TtySubscription | null {
    if (!kinds[session.kind].hasScreen) return null;
    if (stateOf(session).end !== 'none') {
      // Nothing comes any more: the last screen is all there is.
      this.screenAndText(session.id).then(
        (read) => read.ok && sink.screen(read.value.screen),
        () => sink.closed(),
      );
      return null;
    }
    this.#runnerOf.set(session.id, session.runnerId);
    return this.#terminals.subscribe(session.id, from, sink);
  }

  async #view(sessionId: string, scrollback: number): Promise<Result<RunnerAnswer<'view'>>> {
    const runnerId = this.#runnerOf.get(sessionId);
    const link = runnerId === undefined ? offline() : this.#options.link(runnerId);
    if (!link.ok) return link;
    const answer = await link.value.ask({ type: 'view', sessionId, scrollback });
    if (answer.ok || answer.error.kind !== 'not_found') return answer;
    // It has ended meanwhile: its last screen.
    const read = await this.screenAndText(sessionId);
    return read.ok ? ok({ screen: read.value.screen, whole: true }) : read;
  }

  #send(sessionId: string, act: (link: RunnerLink) => void): void {
    const runnerId = this.#runnerOf.get(sessionId);
    const link = runnerId === undefined ? null : this.#options.link(runnerId);
    if (link?.ok === true) act(link.value);
  }

  #announce(ownerId: string, event: SessionEvent): void {
    for (const watcher of this.#watchers) if (watcher.ownerId === ownerId) watcher.listener(event);
  }

  /** The machine came or went: that is part of what each of its sessions shows. */
  #announceAll(rows: readonly SessionRow[]): void {
    for (const row of rows) this.#announce(row.ownerId, { type: 'session', session: this.describe(row) });
  }

  /** Somebody is there, or nobody any more: that is part of a session's status. */
  async #announceAttended(sessionId: string): Promise<void> {
    const session = await this.#options.store.session(sessionId);
    if (session === null || stateOf(session).end !== 'none') this.#presence.forget(sessionId);
    else this.#announceAll([session]);
  }
}
