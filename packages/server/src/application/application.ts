/**
 * What the doors (HTTP, sockets) may ask of the server. Doors parse and authenticate; everything here takes parsed
 * values and a login, authorises in one place, and answers with values. No Fastify, no Socket.IO below this line.
 */
import type { Approval, ApprovalRule, ApprovalStatus } from '@holdfast/protocol/approval.ts';
import type { Command, Receipt } from '@holdfast/protocol/command.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import type { ExportChoice } from '@holdfast/protocol/export.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
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
import type { Screen } from '@holdfast/protocol/screen.ts';
import type { SessionDescriptor, SessionStatus } from '@holdfast/protocol/session.ts';
import type { Preview, Resume } from '@holdfast/protocol/socket.ts';
import type { Recording } from '@holdfast/protocol/recording.ts';
import type { PutUpload, UploadState } from '@holdfast/protocol/upload.ts';
import type { CreateWorkspace, Workspace } from '@holdfast/protocol/workspace.ts';
import type { ExportedSession } from './exports.ts';

/** Who asks. Made by auth only. */
export interface Login {
  readonly userId: string;
  readonly name: string;
  readonly via: 'cookie' | 'key';
  /** What the person calls this device or key. */
  readonly device: string;
}

/** How a subscriber takes what it is sent. Calls are in order; none comes after `close` of the subscription. */
export interface SubscriberSink {
  /** Never empty, contiguous. */
  facts(facts: readonly Fact[]): void;
  synced(seq: number): void;
  preview(preview: Preview): void;
  /** Output; the bytes are shared between subscribers: never change them. */
  tty(offset: number, data: Uint8Array): void;
  /** Replaces what was shown; output goes on from screen.offset. */
  screen(screen: Screen): void;
  /** Who is attached; the latest is all that counts. */
  presence(presence: Presence): void;
  /** The session was deleted, or the server is going away. */
  closed(): void;
  /** null: it takes more now. Else resolves when it does, or never will again: until then the log waits in the store. */
  congestion(): Promise<void> | null;
}

export interface Subscription {
  readonly resume: Resume;
  /** The subscriber's terminal has parsed output up to `offset`: gives credit. */
  parsed(offset: number): void;
  close(): void;
}

export interface SubscribeRequest {
  readonly sessionId: string;
  /** null: the newest facts, with the state at the end. */
  readonly after: number | null;
  /** Also the terminal's output; from: next byte wanted, or null for a screen first. */
  readonly tty?: { readonly from: number | null };
  /** Which of the login's clients it is. Default: one of its own. */
  readonly clientId?: string;
}

export interface RunnerInfo {
  readonly id: string;
  readonly name: string;
  readonly online: boolean;
  readonly roots: readonly string[];
}

export type SessionEvent =
  | { readonly type: 'session'; readonly session: SessionDescriptor }
  | { readonly type: 'sessionDeleted'; readonly sessionId: string };

export interface UploadContent {
  /** Complete. */
  readonly upload: UploadState;
  /** Throws when its machine goes. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Files a person hands over for a session. runner_offline: its machine is away, go on when it is back. */
export interface UploadCalls {
  /** Bytes of a file from upload.offset on; see decidePiece in core for what is refused and how. */
  put(
    login: Login,
    sessionId: string,
    uploadId: string,
    upload: PutUpload,
    body: AsyncIterable<Uint8Array>,
  ): Promise<Result<UploadState>>;
  state(login: Login, sessionId: string, uploadId: string): Promise<Result<UploadState>>;
  remove(login: Login, sessionId: string, uploadId: string): Promise<Result<null>>;
  /** conflict: it has not come whole yet. */
  content(login: Login, sessionId: string, uploadId: string): Promise<Result<UploadContent>>;
}

/** Recordings of a terminal. runner_offline: its machine is away. */
export interface RecordingCalls {
  /** Newest first. */
  list(login: Login, sessionId: string): Promise<Result<Recording[]>>;
  /** The file. Throws when its machine goes. */
  content(login: Login, sessionId: string, recordingId: string): Promise<Result<AsyncIterable<Uint8Array>>>;
  /** conflict: it goes on. */
  remove(login: Login, sessionId: string, recordingId: string): Promise<Result<null>>;
}

export interface Application {
  readonly uploads: UploadCalls;
  readonly recordings: RecordingCalls;

  createWorkspace(login: Login, body: CreateWorkspace): Promise<Result<Workspace>>;
  workspaces(login: Login): Promise<Result<Workspace[]>>;
  workspace(login: Login, id: string): Promise<Result<Workspace>>;
  renameWorkspace(login: Login, id: string, name: string): Promise<Result<Workspace>>;
  deleteWorkspace(login: Login, id: string): Promise<Result<null>>;

  createSession(
    login: Login,
    body: CreateSession,
    idempotencyKey: string | null,
  ): Promise<Result<{ session: SessionDescriptor; repeated: boolean }>>;
  sessions(
    login: Login,
    query: { status?: SessionStatus; workspaceId?: string; titlePart?: string; cursor?: string; limit: number },
  ): Promise<Result<{ sessions: SessionDescriptor[]; nextCursor?: string }>>;
  session(login: Login, id: string): Promise<Result<SessionDescriptor>>;
  presence(login: Login, id: string): Promise<Result<Presence>>;
  patchSession(
    login: Login,
    id: string,
    patch: { title?: string; pinned?: boolean; archived?: boolean },
  ): Promise<Result<SessionDescriptor>>;
  /** Ends what runs, then removes the session and its log. */
  deleteSession(login: Login, id: string): Promise<Result<null>>;

  command(login: Login, sessionId: string, command: Command): Promise<Result<Receipt>>;
  /** Exactly one of after and before; neither: after 0. */
  events(
    login: Login,
    sessionId: string,
    page: { after?: number; before?: number; limit: number },
  ): Promise<Result<EventPage>>;
  /** text: the screen's lines without escapes, trimmed at the right. Live, or the last one of an ended terminal. */
  screen(login: Login, sessionId: string): Promise<Result<{ screen: Screen; text: string }>>;
  /** Kept output from `from` on (or the oldest kept after it), at most 1 MiB. */
  output(login: Login, sessionId: string, from: number): Promise<Result<{ offset: number; data: Uint8Array }>>;

  approvals(login: Login, status: ApprovalStatus | undefined): Promise<Result<Approval[]>>;
  approval(login: Login, id: string): Promise<Result<Approval>>;
  answerApprovals(login: Login, answers: AnswerApprovals): Promise<Result<ApprovalsAnswered>>;
  /** This login's, newest first, without those that have expired. */
  approvalRules(login: Login): Promise<Result<ApprovalRule[]>>;
  deleteApprovalRule(login: Login, id: string): Promise<Result<null>>;

  runners(login: Login): Promise<Result<RunnerInfo[]>>;
  /** refresh: look again, instead of telling what was found before. */
  agents(login: Login, refresh: boolean): Promise<Result<AgentList>>;

  subscribe(login: Login, request: SubscribeRequest, sink: SubscriberSink): Promise<Result<Subscription>>;
  /** Descriptors of this login's sessions as they change. Returns the unsubscribe function. */
  watch(login: Login, listener: (event: SessionEvent) => void): () => void;
  /** Keystrokes; resolves with the offset up to which they have reached the terminal. */
  input(
    login: Login,
    sessionId: string,
    input: { inputId: string; offset: number; data: Uint8Array },
  ): Promise<Result<{ offset: number }>>;

  /** One more socket of this login's user, until the function is called. quota_exceeded: too many. */
  connection(login: Login): Result<() => void>;
  /** What this login's user may have and do, and how much of it is in use. */
  limits(login: Login): Promise<Result<LimitList>>;

  /** What a run would remove of this login's sessions. */
  retentionPreview(login: Login): Promise<Result<RetentionPreview>>;
  /** Removes now what is too old of this login's sessions. */
  runRetention(login: Login): Promise<Result<RetentionRun>>;

  /** All of one session that was stored when it was asked for. */
  exportSession(login: Login, id: string): Promise<Result<ExportedSession>>;
  /** One after the other, each read when it is asked for. */
  exportSessions(login: Login, which: ExportChoice): AsyncIterable<ExportedSession>;

  /** Named checks for readiness, each resolving or rejecting within 2 s. */
  checks(): Record<string, () => Promise<void>>;
}
