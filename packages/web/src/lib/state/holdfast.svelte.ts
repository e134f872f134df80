/**
 * What the whole page knows of the server: the client and, next to it, the lists that more than one place shows.
 * Read from REST once per (re)connection, then kept up by the client's watch.
 */
import { getContext, setContext } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import { fromStore } from 'svelte/store';
import type { CommandBody, OutboxEntry } from '@holdfast/core/client/outbox.ts';
import type { ConnectionView } from '@holdfast/core/client/connection.ts';
import type {
  ConnectionHistory,
  ConnectionPath,
  HoldfastClient,
  LatencyStats,
  Notice,
  SessionsEvent,
} from '@holdfast/link/client-interface.ts';
import type { RestClient } from '@holdfast/link/rest.ts';
import type { Approval, ApprovalAnswer } from '@holdfast/protocol/approval.ts';
import type { ErrorBody, Result } from '@holdfast/protocol/error.ts';
import type { AgentInfo, Me } from '@holdfast/protocol/rest.ts';
import type { AgentMode, SessionDescriptor, SessionKind } from '@holdfast/protocol/session.ts';
import type { Workspace } from '@holdfast/protocol/workspace.ts';
import { type Waiting, waitingFor } from '#lib/home/waiting.ts';
import { askBeforeLeaving } from './ask-before-leaving.ts';
import { Deletions, undoMs } from './deletions.ts';
import type { Self } from '#lib/session/presence-words.ts';
import { PageUploads } from '#lib/upload/page-uploads.ts';
import type { Toasts } from './toasts.svelte.ts';

const key = Symbol('holdfast');

export interface NewSession {
  readonly workspace: { readonly id: string } | { readonly path: string };
  readonly kind: SessionKind;
  /** prompt: empty for none. */
  readonly agent: { readonly provider: string; readonly mode: AgentMode; readonly prompt: string } | null;
}

export class Holdfast {
  readonly client: HoldfastClient;
  readonly rest: RestClient;
  readonly me: Me;
  readonly deletions: Deletions;
  readonly uploads: PageUploads;
  readonly #toasts: Toasts;

  readonly #sessions = new SvelteMap<string, SessionDescriptor>();
  #listed = $state(false);
  workspaces: Workspace[] = $state.raw([]);
  approvals: Approval[] = $state.raw([]);
  /** null: not known yet. */
  agents: AgentInfo[] | null = $state.raw(null);
  runnerNames: ReadonlyMap<string, string> = $state.raw(new Map());
  newSessionOpen = $state(false);
  connectionOpen = $state(false);
  newSessionWorkspace: string | null = $state(null);
  newSessionKind: SessionKind | null = $state(null);

  /** The workspace made for the last wish that needed one: asked for again, it needs no other. */
  #made: { readonly wishId: string; readonly workspaceId: string } | null = null;

  readonly #connection: { readonly current: ConnectionView };
  readonly #outbox: { readonly current: readonly OutboxEntry[] };
  readonly #latency: { readonly current: LatencyStats };
  readonly #path: { readonly current: ConnectionPath | null };
  readonly #history: { readonly current: ConnectionHistory };
  readonly #notices: { readonly current: readonly Notice[] };

  constructor(client: HoldfastClient, rest: RestClient, me: Me, toasts: Toasts) {
    this.client = client;
    this.rest = rest;
    this.me = me;
    this.#toasts = toasts;
    this.uploads = new PageUploads(rest);
    this.deletions = new Deletions({
      send: (id, keepalive) => rest.deleteSession(id, { keepalive }),
      failed: (id, error) => {
        const title = this.#sessions.get(id)?.title ?? 'The session';
        toasts.error({ ...error, message: `“${title}” was not deleted: ${error.message}` });
      },
    });
    this.#connection = fromStore(client.connection);
    this.#outbox = fromStore(client.outbox);
    this.#latency = fromStore(client.latency);
    this.#path = fromStore(client.path);
    this.#history = fromStore(client.history);
    this.#notices = fromStore(client.notices);
  }

  /** This tab, as others see it. */
  get self(): Self {
    return { clientId: this.client.clientId, userId: this.me.id };
  }

  /** Begins to follow the server. Returns the function that ends it. */
  start(): () => void {
    const stop = this.client.watchSessions((event) => this.#changed(event));
    const stopUploads = this.uploads.follow(this.client);
    const stopAsking = askBeforeLeaving(() => this.wouldLose);
    this.client.connect();
    return () => {
      stop();
      stopUploads();
      stopAsking();
      this.client.close().catch((error: unknown) => this.#toasts.say(String(error)));
    };
  }

  get connection(): ConnectionView {
    return this.#connection.current;
  }
  /** The server is being heard: what its facts say is true now, not only when last seen. */
  get connected(): boolean {
    return this.connection.status === 'live' || this.connection.status === 'catching-up';
  }
  get latency(): LatencyStats {
    return this.#latency.current;
  }
  /** null while not connected. */
  get path(): ConnectionPath | null {
    return this.#path.current;
  }
  get history(): ConnectionHistory {
    return this.#history.current;
  }
  get notices(): readonly Notice[] {
    return this.#notices.current;
  }
  /** The browser keeps nothing for the page: what is not sent is lost with the tab. */
  get keepsNothing(): boolean {
    return this.notices.some(({ kind }) => kind === 'storage_failed');
  }
  /** The page is the only place where something is. */
  get wouldLose(): boolean {
    const unsent = this.outbox().some(({ state }) => state.status !== 'stored');
    return this.uploads.underway || (this.keepsNothing && unsent);
  }
  /** Commands of one session, or of all, that are not yet known to be in its log. */
  outbox(sessionId?: string): readonly OutboxEntry[] {
    const all = this.#outbox.current;
    return sessionId === undefined ? all : all.filter((entry) => entry.sessionId === sessionId);
  }
  /** The first list has come. */
  get listed(): boolean {
    return this.#listed;
  }
  /** Newest activity first; without those that are being deleted. */
  readonly sessions: readonly SessionDescriptor[] = $derived(
    [...this.#sessions.values()]
      .filter(({ id }) => !this.deletions.has(id))
      .sort((a, b) => (a.lastActivityAt < b.lastActivityAt ? 1 : -1)),
  );
  /** Approvals and questions that wait, oldest first; not those of sessions that are being deleted. */
  readonly asked: readonly Approval[] = $derived(
    this.approvals.filter(({ sessionId }) => this.#sessions.has(sessionId) && !this.deletions.has(sessionId)),
  );
  /** All that waits for a person, oldest first. */
  readonly waiting: readonly Waiting[] = $derived.by(() => waitingFor(this.asked, this.outbox()));

  session(id: string): SessionDescriptor | undefined {
    return this.#sessions.get(id);
  }
  workspaceName(id: string): string {
    return this.workspaces.find((workspace) => workspace.id === id)?.name ?? 'Workspace';
  }
  runnerName(id: string): string {
    return this.runnerNames.get(id) ?? 'this machine';
  }

  /** Sends, and tells a refusal at the door. What becomes of it later is in the outbox. */
  send(sessionId: string, command: CommandBody): boolean {
    return this.#told(this.client.send(sessionId, command)) !== undefined;
  }

  /**
   * A wish of the moment: refused, it is forgotten and not kept as somebody's trouble. settled: with the refusal, or null
   * once it is stored.
   */
  sendForNow(
    sessionId: string,
    command: CommandBody,
    settled: (error: ErrorBody | null) => void = () => undefined,
  ): void {
    const sent = this.client.send(sessionId, command);
    if (!sent.ok) return settled(sent.error);
    const { id, state } = sent.value;
    state.subscribe((now) => {
      if (now.status === 'stored' || now.status === 'discarded') settled(null);
      if (now.status !== 'failed' && now.status !== 'unsure') return;
      settled(now.error);
      // After this change has been told to everybody.
      queueMicrotask(() => this.client.discard(id));
    });
  }

  answer(approval: { id: string; sessionId: string }, answer: ApprovalAnswer): boolean {
    return this.send(approval.sessionId, { type: 'approval.answer', approvalId: approval.id, answer });
  }

  /** The command of an answer that is on its way, if there is one. */
  answerUnderway(approvalId: string): OutboxEntry | undefined {
    return this.#outbox.current.find(
      (entry) => entry.command.type === 'approval.answer' && entry.command.approvalId === approvalId,
    );
  }

  openNewSession(workspaceId: string | null = null, kind: SessionKind | null = null): void {
    this.newSessionWorkspace = workspaceId;
    this.newSessionKind = kind;
    this.newSessionOpen = true;
    // Whoever is about to start one may just have installed it, or logged in.
    void this.refreshAgents(true);
  }

  /**
   * Makes the workspace first where a path is given. Nothing is half made: without the workspace no session is asked for.
   * wishId: the same when it is asked for again; then there is one session, however often.
   */
  async createSession(wish: NewSession, wishId: string): Promise<Result<SessionDescriptor>> {
    let workspaceId: string;
    if ('id' in wish.workspace) workspaceId = wish.workspace.id;
    else if (this.#made?.wishId === wishId) workspaceId = this.#made.workspaceId;
    else {
      const workspace = await this.rest.createWorkspace({ path: wish.workspace.path });
      if (!workspace.ok) return workspace;
      this.adoptWorkspace(workspace.value);
      workspaceId = workspace.value.id;
      this.#made = { wishId, workspaceId };
    }
    const { agent } = wish;
    const session = await this.rest.createSession(
      {
        kind: wish.kind,
        workspaceId,
        ...(agent && {
          agent: { provider: agent.provider, mode: agent.mode, ...(agent.prompt && { prompt: agent.prompt }) },
        }),
      },
      wishId,
    );
    if (session.ok) this.adopt(session.value);
    return session;
  }

  /** Pins, archives, or takes that back. True: it is done. */
  async flag(id: string, flags: { pinned?: boolean; archived?: boolean }): Promise<boolean> {
    const session = this.#told(await this.rest.patchSession(id, flags));
    if (session) this.adopt(session);
    return session !== undefined;
  }

  /** Can be taken back for a while; see Deletions. */
  deleteSession({ id, title }: SessionDescriptor): void {
    this.deletions.begin(id);
    this.#toasts.offer(`Deleting “${title}”`, { label: 'Undo', act: () => this.deletions.undo(id) }, undoMs);
  }

  /** Takes in what a REST answer said, before the watch repeats it. */
  adopt(session: SessionDescriptor): void {
    this.#sessions.set(session.id, session);
  }
  adoptWorkspace(workspace: Workspace): void {
    this.workspaces = [...this.workspaces.filter((other) => other.id !== workspace.id), workspace];
  }

  /** lookAgain: also at what was installed or logged in since. */
  async refreshAgents(lookAgain = false): Promise<void> {
    const agents = this.#told(await this.rest.listAgents(lookAgain));
    if (agents) this.agents = agents;
  }

  async #refreshAll(): Promise<void> {
    const [sessions, workspaces, runners] = await Promise.all([
      this.rest.listSessions({ limit: 200 }),
      this.rest.listWorkspaces(),
      this.rest.listRunners(),
      this.#refreshApprovals(),
      this.refreshAgents(),
    ]);
    const list = this.#told(sessions);
    if (list) {
      const known = new Set(list.sessions.map((session) => session.id));
      for (const id of [...this.#sessions.keys()]) if (!known.has(id)) this.#sessions.delete(id);
      for (const session of list.sessions) this.#sessions.set(session.id, session);
      this.#listed = true;
    }
    this.workspaces = this.#told(workspaces) ?? this.workspaces;
    const machines = this.#told(runners);
    if (machines) this.runnerNames = new Map(machines.map((runner) => [runner.id, runner.name]));
  }

  async #refreshApprovals(): Promise<void> {
    const approvals = this.#told(await this.rest.listApprovals({ status: 'pending' }));
    if (approvals) this.approvals = approvals.toSorted((a, b) => (a.requestedAt < b.requestedAt ? -1 : 1));
  }

  #changed(event: SessionsEvent): void {
    switch (event.type) {
      case 'watching':
        void this.#refreshAll();
        return;
      case 'sessionDeleted':
        this.#sessions.delete(event.sessionId);
        this.approvals = this.approvals.filter((approval) => approval.sessionId !== event.sessionId);
        return;
      case 'session': {
        const before = this.#sessions.get(event.session.id)?.agent?.pendingApprovals ?? 0;
        this.#sessions.set(event.session.id, event.session);
        const now = event.session.agent?.pendingApprovals ?? 0;
        if (before !== now || now > 0) void this.#refreshApprovals();
        if (!this.workspaces.some((workspace) => workspace.id === event.session.workspaceId)) {
          void this.#refreshWorkspaces();
        }
      }
    }
  }

  async #refreshWorkspaces(): Promise<void> {
    this.workspaces = this.#told(await this.rest.listWorkspaces()) ?? this.workspaces;
  }

  #told<T>(result: Result<T>): T | undefined {
    if (result.ok) return result.value;
    this.#tell(result.error);
    return undefined;
  }

  #tell(error: ErrorBody): void {
    // A lost connection has its own place on the page.
    if (error.kind !== 'unavailable' && error.kind !== 'timeout') this.#toasts.error(error);
  }
}

export const provideHoldfast = (holdfast: Holdfast): Holdfast => setContext(key, holdfast);
export const useHoldfast = (): Holdfast => getContext<Holdfast>(key);
