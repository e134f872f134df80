/** The server's application: authorises every call, then lets core decide, the store write and Live tell. */
import { createHash } from 'node:crypto';
import type { Actor, Approval, ApprovalRule, ApprovalStatus } from '@holdfast/protocol/approval.ts';
import type { Command, Receipt } from '@holdfast/protocol/command.ts';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { ExportChoice } from '@holdfast/protocol/export.ts';
import type { LimitList } from '@holdfast/protocol/limit-use.ts';
import type { Presence } from '@holdfast/protocol/presence.ts';
import type {
  AgentList,
  AnswerApprovals,
  ApprovalsAnswered,
  CreateSession,
  EventPage,
} from '@holdfast/protocol/rest.ts';
import type { RetentionPreview, RetentionRun } from '@holdfast/protocol/retention.ts';
import type { ToRunner, ToServer } from '@holdfast/protocol/runner.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import type { CreateWorkspace, Workspace } from '@holdfast/protocol/workspace.ts';
import { type UserLimits, noLimits } from '@holdfast/core/limits/user-limits.ts';
import { create, decide } from '@holdfast/core/session/decide.ts';
import { kinds } from '@holdfast/core/session/kinds.ts';
import { uploadLimits } from '@holdfast/core/upload/decide-piece.ts';
import type { Channel } from '@holdfast/link/channel.ts';
import type { SessionRow, Store } from '@holdfast/store/store.ts';
import type { Logger } from 'pino';
import type {
  Application,
  Login,
  RunnerInfo,
  SessionEvent,
  SubscribeRequest,
  SubscriberSink,
  Subscription,
} from './application.ts';
import { Approvals } from './approvals.ts';
import { authorise, authoriseRunner } from './authorise.ts';
import { canonicalJson } from './canonical-json.ts';
import { stateOf, toChange } from './decisions.ts';
import { announceWritten } from './events.ts';
import { type ExportedSession, Exports } from './exports.ts';
import { Limits } from './limits.ts';
import { Live } from './live.ts';
import { writeWithFiles } from './message-files.ts';
import { Retention } from './retention.ts';
import { offline } from './runner-link.ts';
import { RunnerRegistry } from './runner-registry.ts';
import { Recordings } from './recordings.ts';
import { Uploads } from './uploads.ts';
import type { ReplayLimits } from './session-feed.ts';

/** How long a session that is being deleted may take to end what it runs, ms. */
const endTimeoutMs = 8_000;

export interface ApplicationOptions {
  readonly store: Store;
  /** A fresh id at each call. */
  readonly newId: () => string;
  /** Wall time, ISO 8601 UTC. */
  readonly time: () => string;
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly log: Logger;
  /** Default: none. */
  readonly limits?: UserLimits;
  /** How far behind a reader may be, and what one further behind gets. Default: protocol's. */
  readonly replay?: ReplayLimits;
  /** Days after which what is over goes. Default 0: everything is kept. */
  readonly retentionDays?: number;
  /** Of one uploaded file, bytes. Default 0: no limit but that of its machine. */
  readonly maxUploadBytes?: number;
  /** Calls back once after so many ms, and is cancelled by the answer. Default: a timer that keeps no process alive. */
  readonly later?: (ms: number, call: () => void) => () => void;
  /** From 0 to 1. Default: chance. */
  readonly random?: () => number;
}

export class HoldfastApplication implements Application {
  readonly uploads: Uploads;
  readonly recordings: Recordings;
  readonly #options: ApplicationOptions;
  readonly #runners: RunnerRegistry;
  readonly #live: Live;
  readonly #limits: Limits;
  readonly #retention: Retention;
  readonly #approvals: Approvals;
  readonly #exports: Exports;

  constructor(options: ApplicationOptions) {
    this.#options = options;
    const { store, newId, time, now, log, later = unreferencedTimer } = options;
    this.#approvals = new Approvals({ store, time, command: (login, id, command) => this.command(login, id, command) });
    this.#limits = new Limits(options.limits ?? noLimits, now);
    this.#live = new Live({
      store,
      link: (runnerId) => this.#runners.link(runnerId),
      online: (runnerId) => this.#runners.online(runnerId),
      instructed: (runnerId) => this.#runners.pump(runnerId),
      noted: (session) => this.#runners.noted(session),
      forgotten: (session) => this.#runners.forgotten(session),
      newId,
      time,
      now,
      replay: options.replay,
      later,
      log,
    });
    const live = this.#live;
    const logged = (error: unknown): void => log.error({ error }, 'a runner could not be announced');
    this.#runners = new RunnerRegistry({
      store,
      announcements: live,
      onTtyOpened: (sessionId, first) => live.ttyOpened(sessionId, first),
      onTty: (sessionId, offset, data) => live.tty(sessionId, offset, data),
      onPreview: (sessionId, preview) => live.preview(sessionId, preview),
      onReady: (runnerId, inventory) => {
        live.runnerReady(runnerId, inventory).catch(logged);
        this.uploads.runnerReady(runnerId).catch(logged);
      },
      onGone: (runnerId) => void live.runnerGone(runnerId).catch(logged),
      newId,
      time,
      lease: { now, later, random: options.random ?? Math.random },
      log,
    });
    this.uploads = new Uploads({
      store,
      limits: uploadLimits(options.maxUploadBytes ?? 0),
      row: (login, id) => this.#row(login, id),
      link: (runnerId) => this.#runners.link(runnerId),
    });
    this.recordings = new Recordings({
      row: (login, id) => this.#row(login, id),
      link: (runnerId) => this.#runners.link(runnerId),
    });
    this.#retention = new Retention({
      store,
      days: options.retentionDays ?? 0,
      time,
      announcements: {
        written: (session, facts) => live.written(session, facts),
        deleted: (session) => this.#deleted(session),
      },
      abandon: ({ id, runnerId }) => {
        // A runner that is away hears of it when it comes (LINK3).
        const link = this.#runners.link(runnerId);
        if (link.ok) link.value.send({ type: 'abandon', sessionId: id });
      },
      later,
      log,
    });
    this.#exports = new Exports({
      store,
      describe: (row) => live.describe(row),
      expiring: (ownerId) => this.#retention.expiring(ownerId),
      time,
    });
  }

  /** A runner is on the other end of the channel. ownerId: whose key it came with; null: part of this server. */
  connectRunner(channel: Channel<ToRunner, ToServer>, ownerId: string | null): void {
    this.#runners.connect(channel, ownerId);
  }

  /** Resolves once a runner is linked and what it runs has been compared with the store: then people can be served. */
  whenReady(): Promise<void> {
    return this.#runners.whenReady();
  }

  close(): void {
    this.#retention.close();
    this.#runners.close();
    this.#live.close();
  }

  async createWorkspace(login: Login, { path, name, runnerId: wanted }: CreateWorkspace): Promise<Result<Workspace>> {
    const runnerId = wanted ?? this.#runners.defaultRunnerId;
    if (runnerId === null) return offline();
    const runner = authoriseRunner(login, this.#runners.list().find(({ id }) => id === runnerId) ?? null);
    if (!runner.ok) return runner;
    const link = this.#runners.link(runnerId);
    if (!link.ok) return link;
    const resolved = await link.value.ask({ type: 'workspace', path });
    if (!resolved.ok) return resolved;
    return this.#options.store.createWorkspace({
      id: this.#options.newId(),
      name: name ?? resolved.value.path.split(/[/\\]/).at(-1) ?? resolved.value.path,
      path: resolved.value.path,
      runnerId,
      ownerId: login.userId,
      createdAt: this.#options.time(),
    });
  }

  async workspaces(login: Login): Promise<Result<Workspace[]>> {
    return ok(await this.#options.store.workspaces(login.userId));
  }

  async workspace(login: Login, id: string): Promise<Result<Workspace>> {
    return authorise(login, await this.#options.store.workspace(id), 'workspace');
  }

  async renameWorkspace(login: Login, id: string, name: string): Promise<Result<Workspace>> {
    const allowed = await this.workspace(login, id);
    if (!allowed.ok) return allowed;
    return authorise(login, await this.#options.store.renameWorkspace(id, name), 'workspace');
  }

  async deleteWorkspace(login: Login, id: string): Promise<Result<null>> {
    const allowed = await this.workspace(login, id);
    return allowed.ok ? this.#options.store.deleteWorkspace(id) : allowed;
  }

  async createSession(
    login: Login,
    body: CreateSession,
    idempotencyKey: string | null,
  ): Promise<Result<{ session: SessionDescriptor; repeated: boolean }>> {
    const workspace = await this.workspace(login, body.workspaceId);
    if (!workspace.ok) return workspace;
    const { store, newId, time } = this.#options;
    const { id: workspaceId, path: cwd, runnerId } = workspace.value;
    const owned = { workspaceId, ownerId: login.userId };
    const context = {
      ...{ ...owned, sessionId: newId(), at: time(), newId, cwd, rules: [], actor: actorOf(login) },
      attached: () => null,
    };
    const title = body.title ?? kinds[body.kind].title(body, workspace.value.name);
    const change = toChange(create(body, title, newId(), context));
    if (!change.ok) return change;
    const soon = this.#limits.start(login.userId);
    if (!soon.ok) return soon;
    const row = { ...owned, id: context.sessionId, kind: body.kind, runnerId, at: context.at };
    const key = idempotencyKey === null ? null : { commandId: idempotencyKey, fingerprint: fingerprint(body) };
    const written = await store.createSession(row, key, (_blank, use) => {
      const allowed = this.#limits.session(use, change.value.turnOpen === true);
      return allowed.ok ? change : allowed;
    });
    if (!written.ok) return written;
    if (!written.value.repeated) announceWritten(this.#live, written.value);
    return ok({ session: this.#live.describe(written.value.session), repeated: written.value.repeated });
  }

  async sessions(
    login: Login,
    query: Parameters<Application['sessions']>[1],
  ): Promise<Result<{ sessions: SessionDescriptor[]; nextCursor?: string }>> {
    const { status, ...rest } = query;
    const page = await this.#options.store.sessions({ ...rest, ...this.#live.showing(status), ownerId: login.userId });
    if (!page.ok) return page;
    const { sessions, ...more } = page.value;
    return ok({ ...more, sessions: sessions.map((row) => this.#live.describe(row)) });
  }

  async session(login: Login, id: string): Promise<Result<SessionDescriptor>> {
    const row = await this.#row(login, id);
    return row.ok ? ok(this.#live.describe(row.value)) : row;
  }

  async presence(login: Login, id: string): Promise<Result<Presence>> {
    const row = await this.#row(login, id);
    return row.ok ? ok(this.#live.presence(id)) : row;
  }

  async patchSession(
    login: Login,
    id: string,
    { title, ...flags }: Parameters<Application['patchSession']>[2],
  ): Promise<Result<SessionDescriptor>> {
    const allowed = await this.#row(login, id);
    if (!allowed.ok) return allowed;
    if (title !== undefined) {
      const renamed = await this.command(login, id, { id: this.#options.newId(), type: 'session.rename', title });
      if (!renamed.ok) return renamed;
    }
    const row = await this.#options.store.flagSession(id, flags);
    if (row === null) return fail('not_found', 'There is no such session.');
    this.#live.written(row, []);
    return ok(this.#live.describe(row));
  }

  async deleteSession(login: Login, id: string): Promise<Result<null>> {
    const row = await this.#row(login, id);
    if (!row.ok) return row;
    if (stateOf(row.value).end === 'none') {
      if (!this.#runners.online(row.value.runnerId)) return offline();
      const ended = this.#live.ended(id, endTimeoutMs);
      const stopped = await this.command(login, id, { id: this.#options.newId(), type: 'session.stop' });
      if (!stopped.ok && stopped.error.kind !== 'session_ended') return stopped;
      if (stopped.ok && !(await ended)) return fail('timeout', 'What this session runs has not ended yet; try again.');
    }
    if (await this.#options.store.deleteSession(id)) this.#deleted(row.value);
    return ok(null);
  }

  async command(login: Login, sessionId: string, command: Command): Promise<Result<Receipt>> {
    const row = await this.#row(login, sessionId);
    if (!row.ok) return row;
    const soon = this.#takeRate(login, sessionId, command);
    if (!soon.ok) return soon;
    const { store, newId, time } = this.#options;
    const { workspaceId, ownerId } = row.value;
    const cwd = (await store.workspace(workspaceId))?.path ?? '';
    const context = {
      ...{ sessionId, workspaceId, ownerId, at: time(), newId, cwd, actor: actorOf(login) },
      attached: (clientId: string) => this.#live.attached(sessionId, clientId),
    };
    const key = { commandId: command.id, fingerprint: fingerprint(command) };
    const write = (files: Result<null>) =>
      store.command(sessionId, key, context.at, (current, use, rules) => {
        if (!files.ok) return files;
        const change = toChange(decide(stateOf(current), command, { ...context, rules }));
        if (!change.ok || current.turnOpen || change.value.turnOpen !== true) return change;
        const allowed = this.#limits.turn(use);
        return allowed.ok ? change : allowed;
      });
    const written = await writeWithFiles(command, write, (files) => this.uploads.check(row.value, files));
    if (!written.ok) {
      return command.type === 'approval.answer' ? this.#approvals.late(command.approvalId, written) : written;
    }
    if (!written.value.repeated) announceWritten(this.#live, written.value);
    return ok(written.value.receipt);
  }

  async events(
    login: Login,
    sessionId: string,
    { after, before, limit }: Parameters<Application['events']>[2],
  ): Promise<Result<EventPage>> {
    if (after !== undefined && before !== undefined) return fail('bad_request', 'Give after or before, not both.');
    const row = await this.#row(login, sessionId);
    if (!row.ok) return row;
    const { store } = this.#options;
    const page =
      before === undefined
        ? await store.factsAfter(sessionId, after ?? 0, limit)
        : await store.factsBefore(sessionId, before, limit);
    if (page === null) return fail('not_found', 'There is no such session.');
    return ok({ events: [...page.facts], lastSeq: page.lastSeq, oldestSeq: page.oldestSeq });
  }

  async screen(login: Login, sessionId: string): Promise<Result<{ screen: Screen; text: string }>> {
    const row = await this.#row(login, sessionId);
    return row.ok ? this.#live.screenAndText(sessionId) : row;
  }

  async output(login: Login, sessionId: string, from: number): Promise<Result<{ offset: number; data: Uint8Array }>> {
    const row = await this.#row(login, sessionId);
    if (!row.ok) return row;
    if (!kinds[row.value.kind].hasScreen) return fail('bad_request', 'Only terminals have output.');
    if (stateOf(row.value).end !== 'none') return fail('session_ended', 'This terminal has ended; its screen is kept.');
    const link = this.#runners.link(row.value.runnerId);
    return link.ok ? link.value.ask({ type: 'output', sessionId, from }) : link;
  }

  async approvals(login: Login, status: ApprovalStatus | undefined): Promise<Result<Approval[]>> {
    return ok(await this.#approvals.list(login, status));
  }

  approval(login: Login, id: string): Promise<Result<Approval>> {
    return this.#approvals.one(login, id);
  }

  async answerApprovals(login: Login, answers: AnswerApprovals): Promise<Result<ApprovalsAnswered>> {
    return ok(await this.#approvals.answer(login, answers));
  }

  async approvalRules(login: Login): Promise<Result<ApprovalRule[]>> {
    return ok(await this.#approvals.rules(login));
  }

  deleteApprovalRule(login: Login, id: string): Promise<Result<null>> {
    return this.#approvals.deleteRule(login, id);
  }

  runners(login: Login): Promise<Result<RunnerInfo[]>> {
    const allowed = this.#runners.list().filter((runner) => authoriseRunner(login, runner).ok);
    return Promise.resolve(ok(allowed.map(({ id, name, online, roots }) => ({ id, name, online, roots }))));
  }

  async agents(_login: Login, refresh: boolean): Promise<Result<AgentList>> {
    const runnerId = this.#runners.defaultRunnerId;
    const link = runnerId === null ? offline() : this.#runners.link(runnerId);
    return link.ok ? link.value.ask({ type: 'agents', refresh }) : link;
  }

  async subscribe(login: Login, request: SubscribeRequest, sink: SubscriberSink): Promise<Result<Subscription>> {
    const row = await this.#row(login, request.sessionId);
    if (!row.ok) return row;
    const { userId, name, device } = login;
    const client = { clientId: request.clientId ?? this.#options.newId(), userId, name, device };
    return this.#live.subscribe(row.value, client, request, sink);
  }

  watch(login: Login, listener: (event: SessionEvent) => void): () => void {
    return this.#live.watch(login.userId, listener);
  }

  async input(
    login: Login,
    sessionId: string,
    input: { inputId: string; offset: number; data: Uint8Array },
  ): Promise<Result<{ offset: number }>> {
    const row = authorise(login, await this.#live.rows.row(sessionId), 'session');
    if (!row.ok) return row;
    if (!kinds[row.value.kind].hasScreen) return fail('bad_request', 'Only terminals take keys.');
    if (stateOf(row.value).end !== 'none') return fail('session_ended', 'This terminal has ended.');
    const soon = this.#limits.input(login.userId, input.data.byteLength);
    if (!soon.ok) return soon;
    const link = this.#runners.link(row.value.runnerId);
    return link.ok ? link.value.input(sessionId, input) : link;
  }

  connection(login: Login): Result<() => void> {
    return this.#limits.connection(login.userId);
  }

  async limits(login: Login): Promise<Result<LimitList>> {
    return ok(this.#limits.list(login.userId, await this.#options.store.use(login.userId)));
  }

  async exportSession(login: Login, id: string): Promise<Result<ExportedSession>> {
    const row = await this.#row(login, id);
    return row.ok ? this.#exports.one(row.value) : row;
  }

  exportSessions(login: Login, which: ExportChoice): AsyncIterable<ExportedSession> {
    return this.#exports.many(login, which);
  }

  async retentionPreview(login: Login): Promise<Result<RetentionPreview>> {
    return ok(await this.#retention.preview(login.userId));
  }

  async runRetention(login: Login): Promise<Result<RetentionRun>> {
    return ok(await this.#retention.run(login.userId));
  }

  checks(): Record<string, () => Promise<void>> {
    return {
      store: () => this.#options.store.check(),
      runner: () =>
        this.#runners.list().some((runner) => runner.online)
          ? Promise.resolve()
          : Promise.reject(new Error('no machine is linked')),
    };
  }

  /** Its row and all that belonged to it are gone. */
  #deleted(session: SessionRow): void {
    this.#live.deleted(session);
    this.uploads.drop(session);
  }

  async #row(login: Login, id: string): Promise<Result<SessionRow>> {
    return authorise(login, await this.#options.store.session(id), 'session');
  }

  /** Only what is costly is slowed down: stopping and answering never wait (TURN7). */
  #takeRate(login: Login, sessionId: string, command: Command): Result<null> {
    if (command.type === 'message.send' || command.type === 'turn.resume') {
      return this.#limits.message(login.userId, sessionId);
    }
    if (command.type === 'terminal.write') return this.#limits.input(login.userId, Buffer.byteLength(command.data));
    return ok(null);
  }
}

function unreferencedTimer(ms: number, call: () => void): () => void {
  const timer = setTimeout(call, ms);
  timer.unref();
  return () => clearTimeout(timer);
}

function actorOf(login: Login): Actor {
  return { kind: 'user', id: login.userId, name: login.name, device: login.device };
}

function fingerprint(body: unknown): string {
  return createHash('sha256').update(canonicalJson(body)).digest('base64url');
}
