/**
 * All linked runners of this node: what comes from them is stored before anything else happens, what is for them is
 * delivered until done. On link-up, and while something is under way, a runner's word on what lives is compared with what
 * the store believes (LINK3, TURN14).
 */
import type { Result } from '@holdfast/protocol/error.ts';
import type { InventoryItem, Report, ToRunner, ToServer } from '@holdfast/protocol/runner.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import { accept, reconcile } from '@holdfast/core/session/accept.ts';
import type { Channel } from '@holdfast/link/channel.ts';
import type { Delivery, SessionRow, Store } from '@holdfast/store/store.ts';
import type { Logger } from 'pino';
import type { RunnerInfo } from './application.ts';
import { changeOf, stateOf } from './decisions.ts';
import { type Announcements, announceWritten } from './events.ts';
import { InFlight } from './in-flight.ts';
import { Leases, type LeasesOptions } from './leases.ts';
import { RunnerLink, offline } from './runner-link.ts';

/** Pending deliveries looked at in one go. */
const deliveryPage = 500;
/** Bytes on their way to a runner beyond which further instructions wait until it has done some. */
const deliveryBytes = 4 * 1024 * 1024;

export interface RunnerRegistryOptions {
  readonly store: Store;
  readonly announcements: Announcements;
  readonly onTtyOpened: (sessionId: string, first: number) => void;
  readonly onTty: (sessionId: string, offset: number, data: Uint8Array) => void;
  readonly onPreview: (sessionId: string, preview: Preview) => void;
  /** The runner is reconciled; watched terminals and unfinished text can be asked for again. */
  readonly onReady: (runnerId: string, inventory: readonly InventoryItem[]) => void;
  readonly onGone: (runnerId: string) => void;
  readonly newId: () => string;
  readonly lease: Omit<LeasesOptions, 'ask'>;
  readonly time: () => string;
  readonly log: Logger;
}

export interface KnownRunner {
  readonly id: string;
  readonly name: string;
  readonly roots: readonly string[];
  /** null: part of this server, for everybody. */
  readonly ownerId: string | null;
}

interface Linked {
  readonly link: RunnerLink;
  /** Its place among all channels, in the order in which they were opened. */
  readonly order: number;
  readonly inFlight: InFlight;
  /** What it may speak for: sessions that are open on it, or that it was instructed about. */
  readonly sessions: Set<string>;
  ready: boolean;
  pumping: boolean;
  pumpAgain: boolean;
}

export class RunnerRegistry {
  readonly #options: RunnerRegistryOptions;
  readonly #linked = new Map<string, Linked>();
  /** What each runner's links have said, one after the other: a new link's word comes after all of the one before. */
  readonly #queues = new Map<string, Promise<void>>();
  /** In the order they first came. In memory: a runner is known once it has come since this server's start. */
  readonly #known = new Map<string, KnownRunner>();
  readonly #leases: Leases;
  /** Channels so far. */
  #connected = 0;
  readonly #waitingReady = new Set<() => void>();

  constructor(options: RunnerRegistryOptions) {
    this.#options = options;
    this.#leases = new Leases({
      ...options.lease,
      ask: (runnerId) => this.#linked.get(runnerId)?.link.send({ type: 'inventory' }),
    });
  }

  /** A runner of this login (null: of this server) is on the other end of this channel; it speaks first. */
  connect(channel: Channel<ToRunner, ToServer>, ownerId: string | null): void {
    const { onTty, onTtyOpened, onPreview, newId, log } = this.#options;
    const ofIts = (link: RunnerLink, sessionId: string, tell: () => void): void => {
      if (this.#speaksFor(link, sessionId)) tell();
    };
    const order = (this.#connected += 1);
    new RunnerLink(
      channel,
      ownerId,
      {
        hello: (link, inventory) => this.#hello(link, order, inventory),
        inventory: (link, inventory) => this.#enqueue(link, () => this.#renew(link, inventory)),
        report: (link, report) => this.#enqueue(link, () => this.#report(link, report)),
        done: (link, deliveryId) => this.#enqueue(link, (linked) => this.#done(linked, deliveryId)),
        ttyOpened: (link, sessionId, first) => ofIts(link, sessionId, () => onTtyOpened(sessionId, first)),
        tty: (link, sessionId, offset, data) => ofIts(link, sessionId, () => onTty(sessionId, offset, data)),
        preview: (link, sessionId, preview) => ofIts(link, sessionId, () => onPreview(sessionId, preview)),
        closed: (link) => this.#closed(link),
      },
      newId,
      log,
    );
  }

  list(): (RunnerInfo & KnownRunner)[] {
    return [...this.#known.values()].map((runner) => ({ ...runner, online: this.online(runner.id) }));
  }

  /** The first that came: where a workspace goes when nobody says otherwise. */
  get defaultRunnerId(): string | null {
    return this.#known.keys().next().value ?? null;
  }

  online(runnerId: string): boolean {
    return this.#linked.get(runnerId)?.ready ?? false;
  }

  link(runnerId: string): Result<RunnerLink> {
    const linked = this.#linked.get(runnerId);
    return linked?.ready === true ? { ok: true, value: linked.link } : offline();
  }

  /** Resolves when some runner has been reconciled. */
  async whenReady(): Promise<void> {
    if ([...this.#linked.values()].some((linked) => linked.ready)) return;
    await new Promise<void>((resolve) => this.#waitingReady.add(resolve));
  }

  /** Instructions may wait for this runner. */
  pump(runnerId: string): void {
    const linked = this.#linked.get(runnerId);
    if (linked === undefined || !linked.ready) return;
    linked.pumpAgain = true;
    if (linked.pumping) return;
    linked.pumping = true;
    this.#pump(runnerId, linked).catch((error: unknown) => {
      linked.pumping = false;
      this.#options.log.error({ error, runnerId }, 'instructions could not be read');
    });
  }

  /** A session was written: something may be under way in it now, or not any more. */
  noted(session: SessionRow): void {
    this.#leases.note(session);
  }

  /** A session is gone. */
  forgotten(session: SessionRow): void {
    this.#leases.forget(session);
  }

  close(): void {
    this.#leases.close();
    for (const { link } of [...this.#linked.values()]) link.close();
  }

  async #pump(runnerId: string, linked: Linked): Promise<void> {
    while (linked.pumpAgain && linked.link.open) {
      linked.pumpAgain = false;
      linked.inFlight.begin();
      for (let after = linked.inFlight.readTo; ;) {
        const page = await this.#options.store.deliveries(runnerId, after, deliveryPage);
        const last = page.at(-1);
        if (!this.#sendSome(linked, page) || page.length < deliveryPage || last === undefined) break;
        after = last.id;
      }
    }
    linked.pumping = false;
  }

  /** false: enough is on its way; it goes on when some of that is done. */
  #sendSome({ link, inFlight, sessions }: Linked, page: readonly Delivery[]): boolean {
    for (const delivery of page) {
      if (inFlight.isFull || (inFlight.size > 0 && link.bufferedBytes > deliveryBytes)) return false;
      if (!inFlight.take(delivery.id, delivery.sessionId)) continue;
      sessions.add(delivery.sessionId);
      link.deliver(delivery);
    }
    return true;
  }

  #enqueue(link: RunnerLink, work: (linked: Linked) => Promise<void>): void {
    const linked = this.#linked.get(link.id);
    if (linked?.link !== link) return;
    const queue = (this.#queues.get(link.id) ?? Promise.resolve())
      .then(() => work(linked))
      .catch((error: unknown) => {
        this.#options.log.error({ error, runnerId: link.id }, 'a message of the runner could not be handled');
      });
    this.#queues.set(link.id, queue);
    void queue.then(() => {
      if (this.#queues.get(link.id) === queue) this.#queues.delete(link.id);
    });
  }

  #speaksFor(link: RunnerLink, sessionId: string): boolean {
    const linked = this.#linked.get(link.id);
    return linked?.link === link && linked.sessions.has(sessionId);
  }

  #hello(link: RunnerLink, order: number, inventory: readonly InventoryItem[]): void {
    const known = this.#known.get(link.id);
    if (known !== undefined && known.ownerId !== link.ownerId) return this.#refuse(link);
    const before = this.#linked.get(link.id);
    // Its word was on its way while the machine came again: that was its past.
    if (before !== undefined && before.order > order) return link.close();
    before?.link.close();
    const linked: Linked = {
      link,
      order,
      inFlight: new InFlight(),
      sessions: new Set(),
      ready: false,
      pumping: false,
      pumpAgain: false,
    };
    this.#linked.set(link.id, linked);
    this.#enqueue(link, async () => {
      const open = await this.#options.store.openSessions(link.id);
      if (await this.#isAnothers(link, open)) return this.#refuse(link);
      if (this.#linked.get(link.id) !== linked) return;
      this.#known.set(link.id, { id: link.id, name: link.name, roots: link.roots, ownerId: link.ownerId });
      link.welcome();
      for (const row of open) {
        linked.sessions.add(row.id);
        // Before they are compared: what is written then is newer.
        this.#leases.note(row);
      }
      const unknown = await this.#reconcile(link, inventory, open);
      // Processes of sessions that are over here: their last reports may still come, so only what lives is ended.
      for (const item of unknown) if (item.alive) link.send({ type: 'abandon', sessionId: item.sessionId });
      if (this.#linked.get(link.id) !== linked) return;
      linked.ready = true;
      this.#leases.linked(link.id);
      this.#options.log.info({ runnerId: link.id, sessions: inventory.length }, 'runner linked');
      this.pump(link.id);
      this.#options.onReady(link.id, inventory);
      for (const resolve of this.#waitingReady) resolve();
      this.#waitingReady.clear();
    });
  }

  /** Of before this server's start, what is on the runner says whose it is. */
  async #isAnothers({ id, ownerId }: RunnerLink, open: readonly SessionRow[]): Promise<boolean> {
    if (ownerId === null) return false;
    const workspaces = (await this.#options.store.workspaces()).filter(({ runnerId }) => runnerId === id);
    return [...open, ...workspaces].some((each) => each.ownerId !== ownerId);
  }

  #refuse(link: RunnerLink): void {
    this.#options.log.error({ runnerId: link.id, ownerId: link.ownerId }, 'a runner came with an id of another login');
    link.refuse({
      kind: 'forbidden',
      message: 'This machine is known here under another login. Use a key of that login, or another data directory.',
    });
  }

  /** Of what is under way, what its runner does not name has been lost there (LINK3, while it is linked). */
  async #renew(link: RunnerLink, inventory: readonly InventoryItem[]): Promise<void> {
    await this.#reconcile(link, inventory, this.#leases.underWay(link.id));
  }

  /** Answers what the runner has of sessions that are not among these. */
  async #reconcile(
    link: RunnerLink,
    inventory: readonly InventoryItem[],
    open: readonly SessionRow[],
  ): Promise<InventoryItem[]> {
    const { store, announcements, time, newId } = this.#options;
    const items = new Map(inventory.map((item) => [item.sessionId, item]));
    const starts = (await this.#allDeliveries(link.id)).filter(begins);
    const starting = new Set(starts.map(({ sessionId }) => sessionId));
    for (const row of open) {
      const item = items.get(row.id) ?? null;
      items.delete(row.id);
      const { workspaceId, ownerId } = row;
      const context = { sessionId: row.id, workspaceId, ownerId, at: time(), newId, cwd: '', rules: [] };
      const written = await store.change(row.id, context.at, (current) => ({
        ok: true,
        value: changeOf(reconcile(stateOf(current), item, starting.has(row.id), context)),
      }));
      if (!written.ok) continue;
      if (written.value.facts.length > 0) announceWritten(announcements, written.value);
      const { agent } = stateOf(written.value.session);
      const turns = [agent?.turn?.turnId, agent?.nextTurn?.turnId];
      for (const { id, sessionId, instruction } of starts) {
        // Nobody is to be prompted for a turn that is over.
        if (sessionId !== row.id || instruction.type !== 'turn.start' || turns.includes(instruction.turnId)) continue;
        await store.finishDelivery(id);
      }
    }
    return [...items.values()];
  }

  async #allDeliveries(runnerId: string): Promise<Delivery[]> {
    const all: Delivery[] = [];
    for (;;) {
      const page = await this.#options.store.deliveries(runnerId, all.at(-1)?.id ?? 0, deliveryPage);
      all.push(...page);
      if (page.length < deliveryPage) return all;
    }
  }

  async #report(link: RunnerLink, report: Report): Promise<void> {
    const { store, announcements, time, newId, log } = this.#options;
    const { sessionId, source, position } = report;
    const row = await store.session(sessionId);
    // Not of this runner: acknowledged like one of a session that is gone, so that it is not kept and told again.
    if (row !== null && row.runnerId !== link.id) {
      log.warn({ runnerId: link.id, sessionId }, 'a runner reported of a session that is not on it');
    } else if (row !== null) {
      const { workspaceId, ownerId } = row;
      const cwd = (await store.workspace(workspaceId))?.path ?? '';
      const context = { sessionId, workspaceId, ownerId, at: time(), newId, cwd };
      const asks = report.facts.some(({ type }) => type === 'approval.requested');
      const written = await store.report(sessionId, { source, position, asks }, context.at, (current, rules) => {
        const accepted = accept(stateOf(current), report.facts, { ...context, rules });
        const { refused } = accepted;
        if (refused.length > 0) log.warn({ runnerId: link.id, sessionId, refused }, 'a part of a report was refused');
        return { ok: true, value: changeOf(accepted, report.screen) };
      });
      if (!written.ok) {
        // Not acknowledged, so it comes again with the next link.
        log.error({ sessionId, error: written.error }, 'a report could not be stored');
        return link.close();
      }
      announceWritten(announcements, written.value);
    }
    link.send({ type: 'stored', sessionId, source, position });
  }

  async #done(linked: Linked, deliveryId: number): Promise<void> {
    // Only what it was given on this link. Of an earlier one, it is given again and done again.
    if (!linked.inFlight.has(deliveryId)) return;
    await this.#options.store.finishDelivery(deliveryId);
    // A full link, or many of one session, may have made later ones wait.
    if (linked.inFlight.done(deliveryId)) this.pump(linked.link.id);
  }

  #closed(link: RunnerLink): void {
    if (this.#linked.get(link.id)?.link !== link) return;
    this.#linked.delete(link.id);
    this.#leases.gone(link.id);
    this.#options.log.warn({ runnerId: link.id }, 'runner link lost');
    this.#options.onGone(link.id);
  }
}

function begins({ instruction }: Delivery): boolean {
  return instruction.type === 'terminal.start' || instruction.type === 'turn.start';
}
