/** An Application in memory, as small as the doors' tests allow: one session's log is an array. */
import type { Approval, ApprovalRule } from '@holdfast/protocol/approval.ts';
import type { Command, Receipt } from '@holdfast/protocol/command.ts';
import { fail, ok, type Result } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Presence } from '@holdfast/protocol/presence.ts';
import type { AnswerApprovals, ApprovalsAnswered } from '@holdfast/protocol/rest.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import type { Resume } from '@holdfast/protocol/socket.ts';
import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import type { PutUpload, UploadState } from '@holdfast/protocol/upload.ts';
import type { Workspace } from '@holdfast/protocol/workspace.ts';
import type {
  Application,
  SessionEvent,
  SubscribeRequest,
  SubscriberSink,
  Subscription,
  RecordingCalls,
  UploadCalls,
} from '../../src/application/application.ts';
import type { ExportedSession } from '../../src/application/exports.ts';

const at = '2026-01-01T00:00:00.000Z';
/** Of every session, at any moment. */
export const base: SessionState = {
  kind: 'terminal',
  title: 'shell',
  generation: 1,
  end: 'none',
  error: null,
  driver: null,
  everDriven: false,
  stopping: false,
  terminal: { cols: 80, rows: 24, exit: null },
  agent: null,
};
const missing = fail('not_found', 'There is no such thing.');

export class FakeApplication implements Application {
  readonly logs = new Map<string, Fact[]>();
  readonly sinks = new Map<string, Set<SubscriberSink>>();
  readonly commands: Command[] = [];
  readonly inputs: Uint8Array[] = [];
  readonly parsedOffsets: number[] = [];
  readonly watchers = new Set<(event: SessionEvent) => void>();
  readonly readiness: Record<string, () => Promise<void>> = { store: async () => undefined };
  readonly clientIds: (string | undefined)[] = [];
  /** Who is attached, as it tells; null: it does not tell. */
  told: Presence | null = null;
  connections = 0;
  connectionLimit = Infinity;
  /** Of every call, while set. */
  broken: Error | null = null;
  /** What an export reads instead of the log, while set. */
  exported: AsyncIterable<readonly Fact[]> | null = null;
  /** What a command waits for. */
  gate: Promise<void> = Promise.resolve();
  /** What was put, by id; one put at offset 0 begins anew. */
  readonly uploaded = new Map<string, { about: PutUpload; bytes: Buffer }>();
  readonly uploads: UploadCalls = {
    put: async (_login, id, uploadId, about, body) => {
      this.#check();
      if (!this.logs.has(id)) return missing;
      const before = about.offset === 0 ? Buffer.alloc(0) : (this.uploaded.get(uploadId)?.bytes ?? Buffer.alloc(0));
      const kept = { about, bytes: before };
      this.uploaded.set(uploadId, kept);
      for await (const chunk of body) kept.bytes = Buffer.concat([kept.bytes, chunk]);
      return ok(uploadState(uploadId, kept));
    },
    state: async (_login, id, uploadId) => {
      this.#check();
      const kept = this.uploaded.get(uploadId);
      return this.logs.has(id) && kept !== undefined ? ok(uploadState(uploadId, kept)) : missing;
    },
    remove: async (_login, id, uploadId) => {
      this.#check();
      return this.logs.has(id) && this.uploaded.has(uploadId) ? ok(null) : missing;
    },
    content: async (login, id, uploadId) => {
      const state = await this.uploads.state(login, id, uploadId);
      if (!state.ok) return state;
      const { bytes = Buffer.alloc(0) } = this.uploaded.get(uploadId) ?? {};
      return ok({ upload: state.value, bytes: slices(bytes) });
    },
  };
  /** Files, by id. */
  readonly recorded = new Map([['rec1', Buffer.from('{}')]]);
  readonly recordings: RecordingCalls = {
    list: async (_login, id) => {
      this.#check();
      const about = { title: '', startedAt: '2026-01-01T00:00:00.000Z', cols: 80, rows: 24, end: 'stopped' as const };
      const list = [...this.recorded].map(([key, { length }]) => ({ id: key, ...about, bytes: length, durationMs: 1 }));
      return this.logs.has(id) ? ok(list) : missing;
    },
    content: async (_login, id, recordingId) => {
      this.#check();
      const file = this.recorded.get(recordingId);
      return this.logs.has(id) && file !== undefined ? ok(slices(file)) : missing;
    },
    remove: async (_login, id, recordingId) => {
      this.#check();
      return this.logs.has(id) && this.recorded.has(recordingId) ? ok(null) : missing;
    },
  };
  readonly #receipts = new Map<string, { body: string; receipt: Receipt }>();

  constructor() {
    this.logs.set('s1', []);
    this.append('s1', 'one', 'two', 'three');
    this.uploaded.set('u1', {
      about: { offset: 0, size: 3, name: 'a.txt', mediaType: 'text/plain' },
      bytes: Buffer.from('abc'),
    });
  }

  append(sessionId: string, ...texts: string[]): void {
    const log = this.logs.get(sessionId) ?? [];
    const facts = texts.map((text, index): Fact => {
      const data = { messageId: `m${log.length + index + 1}`, turnId: null, text };
      return { seq: log.length + index + 1, at, type: 'message.user', data };
    });
    log.push(...facts);
    for (const sink of this.sinks.get(sessionId) ?? []) sink.facts(facts);
  }

  get subscriptions(): number {
    return [...this.sinks.values()].reduce((sum, set) => sum + set.size, 0);
  }

  async createWorkspace(_login: unknown, body: { path: string; name?: string }): Promise<Result<Workspace>> {
    this.#check();
    if (body.path.startsWith('/outside')) return fail('path_outside_roots', 'Not in an allowed root.');
    return ok(workspace(body.name ?? 'work'));
  }
  async workspaces(): Promise<Result<Workspace[]>> {
    this.#check();
    return ok([workspace('work')]);
  }
  async workspace(_login: unknown, id: string): Promise<Result<Workspace>> {
    this.#check();
    return id === 'w1' ? ok(workspace('work')) : missing;
  }
  async renameWorkspace(_login: unknown, id: string, name: string): Promise<Result<Workspace>> {
    this.#check();
    return id === 'w1' ? ok(workspace(name)) : missing;
  }
  async deleteWorkspace(_login: unknown, id: string): Promise<Result<null>> {
    this.#check();
    return id === 'w1' ? ok(null) : missing;
  }

  async createSession(
    _login: unknown,
    body: { workspaceId: string },
    key: string | null,
  ): Promise<Result<{ session: SessionDescriptor; repeated: boolean }>> {
    this.#check();
    if (body.workspaceId !== 'w1') return missing;
    return ok({ session: this.#descriptor('s1'), repeated: key === 'again' });
  }
  async sessions(): Promise<Result<{ sessions: SessionDescriptor[] }>> {
    this.#check();
    return ok({ sessions: [...this.logs.keys()].map((id) => this.#descriptor(id)) });
  }
  async session(_login: unknown, id: string): Promise<Result<SessionDescriptor>> {
    this.#check();
    return this.logs.has(id) ? ok(this.#descriptor(id)) : missing;
  }
  async presence(_login: unknown, id: string): Promise<Result<Presence>> {
    this.#check();
    return this.logs.has(id) ? ok(this.told ?? { people: [], more: 0 }) : missing;
  }
  async patchSession(_login: unknown, id: string): Promise<Result<SessionDescriptor>> {
    return this.session(undefined, id);
  }
  async deleteSession(_login: unknown, id: string): Promise<Result<null>> {
    this.#check();
    return this.logs.has(id) ? ok(null) : missing;
  }

  async command(_login: unknown, sessionId: string, command: Command): Promise<Result<Receipt>> {
    this.#check();
    await this.gate;
    if (sessionId === 'ended') return fail('session_ended', 'This session has ended.');
    if (!this.logs.has(sessionId)) return missing;
    const body = JSON.stringify(command);
    const earlier = this.#receipts.get(command.id);
    if (earlier !== undefined) {
      return earlier.body === body ? ok(earlier.receipt) : fail('command_id_reused', 'Used for another command.');
    }
    this.commands.push(command);
    const receipt: Receipt = { commandId: command.id, status: 'stored', seq: this.logs.get(sessionId)?.length ?? 0 };
    this.#receipts.set(command.id, { body, receipt });
    return ok(receipt);
  }
  async events(_login: unknown, id: string, page: { after?: number; before?: number; limit: number }) {
    this.#check();
    const log = this.logs.get(id);
    if (log === undefined) return missing;
    const { after = 0, before, limit } = page;
    const events =
      before === undefined
        ? log.filter((fact) => fact.seq > after).slice(0, limit)
        : log.filter((fact) => fact.seq < before).slice(-limit);
    return ok({ events, lastSeq: log.length, oldestSeq: 1 });
  }
  async screen(_login: unknown, id: string) {
    this.#check();
    return id === 's1' ? ok({ screen: { offset: 7, cols: 80, rows: 24, ansi: '\x1b[1mhi' }, text: 'hi' }) : missing;
  }
  async output(_login: unknown, id: string, from: number) {
    this.#check();
    return id === 's1' ? ok({ offset: Math.max(from, 2), data: Uint8Array.of(0, 255, 10) }) : missing;
  }

  async approvals(): Promise<Result<Approval[]>> {
    this.#check();
    return ok([approval]);
  }
  async approval(_login: unknown, id: string): Promise<Result<Approval>> {
    this.#check();
    return id === approval.id ? ok(approval) : missing;
  }
  async answerApprovals(_login: unknown, { answers }: AnswerApprovals): Promise<Result<ApprovalsAnswered>> {
    this.#check();
    const results = answers.map(({ approvalId, id }) =>
      approvalId === approval.id
        ? { approvalId, id, receipt: { commandId: id, status: 'stored' as const, seq: 1 } }
        : { approvalId, id, error: missing.error },
    );
    return ok({ results });
  }
  async approvalRules(): Promise<Result<ApprovalRule[]>> {
    this.#check();
    return ok([]);
  }
  async deleteApprovalRule(_login: unknown, id: string): Promise<Result<null>> {
    this.#check();
    return id === 'r1' ? ok(null) : missing;
  }
  async runners() {
    this.#check();
    return ok([{ id: 'r1', name: 'here', online: true, roots: ['/home'] }]);
  }
  async agents(_login: unknown, refresh: boolean) {
    this.#check();
    return ok({ agents: [], version: refresh ? 'looked again' : 'first' });
  }

  async subscribe(_login: unknown, request: SubscribeRequest, sink: SubscriberSink): Promise<Result<Subscription>> {
    this.#check();
    const log = this.logs.get(request.sessionId);
    if (log === undefined) return missing;
    this.clientIds.push(request.clientId);
    const lastSeq = log.length;
    const { after } = request;
    const resume: Resume =
      after === null || after > lastSeq
        ? { verdict: 'reset', lastSeq, oldestSeq: 1, from: Math.max(1, lastSeq - 1), base }
        : { verdict: 'ok', lastSeq, oldestSeq: 1 };
    const set = this.sinks.get(request.sessionId) ?? new Set();
    this.sinks.set(request.sessionId, set.add(sink));
    const replay = log.slice(resume.verdict === 'ok' ? (after ?? 0) : resume.from - 1);
    // At once, so that what the doors hold back is tested too.
    if (replay.length > 0) sink.facts(replay);
    sink.synced(log.length);
    if (request.tty !== undefined) sink.tty(request.tty.from ?? 0, new TextEncoder().encode('output'));
    if (this.told !== null) sink.presence(this.told);
    return ok({
      resume,
      parsed: (offset) => void this.parsedOffsets.push(offset),
      close: () => void set.delete(sink),
    });
  }
  watch(_login: unknown, listener: (event: SessionEvent) => void): () => void {
    this.watchers.add(listener);
    return () => this.watchers.delete(listener);
  }
  async input(_login: unknown, id: string, { offset, data }: { offset: number; data: Uint8Array }) {
    this.#check();
    if (!this.logs.has(id)) return missing;
    this.inputs.push(data);
    return ok({ offset: offset + data.byteLength });
  }
  connection(): Result<() => void> {
    if (this.connections >= this.connectionLimit) return fail('quota_exceeded', 'Too many connections.');
    this.connections += 1;
    let held = true;
    return ok(() => {
      if (held) this.connections -= 1;
      held = false;
    });
  }
  async retentionPreview() {
    this.#check();
    const none = { deletedSessions: 0, trimmedSessions: 0, facts: 0, bytes: 0, sessions: [] };
    return ok({ retentionDays: 30, before: at, ...none });
  }
  async runRetention() {
    this.#check();
    return ok({ deletedSessions: 1, trimmedSessions: 2, facts: 3 });
  }
  async limits() {
    this.#check();
    return ok({ limits: [{ name: 'openSessions' as const, limit: 3, current: 1 }] });
  }
  async exportSession(_login: unknown, id: string): Promise<Result<ExportedSession>> {
    this.#check();
    return this.logs.has(id) ? ok(this.#exported(id)) : missing;
  }
  async *exportSessions() {
    for (const id of this.logs.keys()) yield this.#exported(id);
  }
  checks(): Record<string, () => Promise<void>> {
    return this.readiness;
  }

  #exported(id: string): ExportedSession {
    const lastSeq = this.logs.get(id)?.length ?? 0;
    const head = { version: 1 as const, exportedAt: at, session: this.#descriptor(id), oldestSeq: 1, lastSeq };
    return { head, facts: this.exported ?? pages(this.logs.get(id) ?? []) };
  }

  #descriptor(id: string): SessionDescriptor {
    return {
      id,
      kind: 'terminal',
      workspaceId: 'w1',
      ownerId: 'u1',
      runnerId: 'r1',
      runnerOnline: true,
      title: 'shell',
      status: 'active',
      createdAt: at,
      lastActivityAt: at,
      lastSeq: this.logs.get(id)?.length ?? 0,
      oldestSeq: 1,
      pinned: false,
      archived: false,
    };
  }

  #check(): void {
    if (this.broken !== null) throw this.broken;
  }
}

async function* pages(facts: readonly Fact[]): AsyncGenerator<readonly Fact[]> {
  yield facts;
}

function uploadState(id: string, { about, bytes }: { about: PutUpload; bytes: Buffer }): UploadState {
  const { name, mediaType, size } = about;
  return { id, name, mediaType, size, offset: bytes.length, complete: bytes.length === size };
}

async function* slices(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 2) yield await Promise.resolve(bytes.subarray(at, at + 2));
}

function workspace(name: string): Workspace {
  return { id: 'w1', name, path: '/home/w', runnerId: 'r1', ownerId: 'u1', createdAt: at };
}

const approval: Approval = {
  id: 'a1',
  sessionId: 's1',
  turnId: 't1',
  toolCallId: 'c1',
  kind: 'permission',
  tool: 'Bash',
  title: 'ls',
  input: { command: 'ls' },
  scopes: ['once'],
  status: 'pending',
  requestedAt: at,
};
