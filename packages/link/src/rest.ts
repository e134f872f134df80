/** The HTTP contract as functions: bodies typed by the protocol, answers parsed by its schemas, failures as values. */
import { type z } from 'zod';
import type { Approval, ApprovalAnswer, ApprovalRule, ApprovalStatus } from '@holdfast/protocol/approval.ts';
import { type Command, type Receipt } from '@holdfast/protocol/command.ts';
import {
  type ErrorBody,
  type ErrorKind,
  type Result,
  errorResponseSchema,
  fail,
  ok,
} from '@holdfast/protocol/error.ts';
import { type ExportFormat } from '@holdfast/protocol/export.ts';
import { type LimitUse, limitListSchema } from '@holdfast/protocol/limit-use.ts';
import {
  type AgentInfo,
  type CreateSession,
  type EventPage,
  type LoginLink,
  type Me,
  agentListSchema,
  approvalListSchema,
  commandAnswerSchema,
  eventPageSchema,
  loginLinkSchema,
  meSchema,
  readinessSchema,
  type runnerInfoSchema,
  ruleListSchema,
  runnerListSchema,
  sessionListSchema,
  workspaceListSchema,
} from '@holdfast/protocol/rest.ts';
import {
  type RetentionPreview,
  type RetentionRun,
  retentionPreviewSchema,
  retentionRunSchema,
} from '@holdfast/protocol/retention.ts';
import { type Presence, presenceSchema } from '@holdfast/protocol/presence.ts';
import { type Screen, screenSchema } from '@holdfast/protocol/screen.ts';
import { type SessionDescriptor, type SessionStatus, sessionDescriptorSchema } from '@holdfast/protocol/session.ts';
import { type Recording, recordingListSchema } from '@holdfast/protocol/recording.ts';
import { type PutUpload, type UploadState, uploadStateSchema } from '@holdfast/protocol/upload.ts';
import { type CreateWorkspace, type Workspace, workspaceSchema } from '@holdfast/protocol/workspace.ts';

export interface RestOptions {
  /** Origin of the server. */
  readonly url: string;
  /** API key; without it the browser's cookie is the login. */
  readonly key?: string;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
}

export interface SessionListQuery {
  readonly status?: SessionStatus;
  readonly workspaceId?: string;
  /** Part of a title. */
  readonly q?: string;
  readonly cursor?: string;
  readonly limit?: number;
}

/**
 * Every call: the server's own error where it gave one; unavailable when it cannot be reached; timeout after 30 s
 * (runRetention: 10 minutes); internal for an answer that does not fit its schema.
 */
export interface RestClient {
  me(): Promise<Result<Me>>;
  /** With the token of a one-time link. */
  login(token: string): Promise<Result<Me>>;
  logout(): Promise<Result<null>>;
  createLoginLink(): Promise<Result<LoginLink>>;
  listWorkspaces(): Promise<Result<Workspace[]>>;
  getWorkspace(id: string): Promise<Result<Workspace>>;
  createWorkspace(body: CreateWorkspace): Promise<Result<Workspace>>;
  renameWorkspace(id: string, name: string): Promise<Result<Workspace>>;
  deleteWorkspace(id: string): Promise<Result<null>>;
  /** Newest activity first. */
  listSessions(query?: SessionListQuery): Promise<Result<z.infer<typeof sessionListSchema>>>;
  getSession(id: string): Promise<Result<SessionDescriptor>>;
  /** Who is attached to it. */
  presence(id: string): Promise<Result<Presence>>;
  /** With an idempotencyKey a repeat answers the session made the first time. */
  createSession(body: CreateSession, idempotencyKey?: string): Promise<Result<SessionDescriptor>>;
  patchSession(
    id: string,
    patch: { title?: string; pinned?: boolean; archived?: boolean },
  ): Promise<Result<SessionDescriptor>>;
  /** keepalive: it outlives the page that asks for it. */
  deleteSession(id: string, options?: { keepalive?: boolean }): Promise<Result<null>>;
  /** One attempt, past the outbox: for callers that keep the id themselves. */
  command(sessionId: string, command: Command): Promise<Result<Receipt>>;
  /** after: facts with a greater seq, oldest first; before: the newest of those with a smaller one. */
  events(sessionId: string, page: { after?: number; before?: number; limit?: number }): Promise<Result<EventPage>>;
  screen(sessionId: string): Promise<Result<Screen>>;
  screenText(sessionId: string): Promise<Result<string>>;
  listApprovals(query?: { status?: ApprovalStatus }): Promise<Result<Approval[]>>;
  /** id: the command's. already_answered: somebody else was first. */
  answerApproval(approvalId: string, id: string, answer: ApprovalAnswer): Promise<Result<Receipt>>;
  /** Newest first, without those that have expired. */
  listApprovalRules(): Promise<Result<ApprovalRule[]>>;
  deleteApprovalRule(id: string): Promise<Result<null>>;
  /** Bytes of a file from upload.offset on, at most 1 MiB. conflict with details.offset: go on from there. */
  putUpload(sessionId: string, uploadId: string, upload: PutUpload, bytes: Blob): Promise<Result<UploadState>>;
  removeUpload(sessionId: string, uploadId: string): Promise<Result<null>>;
  /** Newest first; see recordingPath for the file. */
  listRecordings(sessionId: string): Promise<Result<Recording[]>>;
  /** The whole file in memory. */
  recordingText(sessionId: string, recordingId: string): Promise<Result<string>>;
  removeRecording(sessionId: string, recordingId: string): Promise<Result<null>>;
  /** refresh: look again, instead of telling what was found before. */
  listAgents(refresh?: boolean): Promise<Result<AgentInfo[]>>;
  listRunners(): Promise<Result<z.infer<typeof runnerInfoSchema>[]>>;
  /** The whole export in memory; a file of any length is had from its address. */
  exportText(sessionId: string, format: ExportFormat): Promise<Result<string>>;
  limits(): Promise<Result<LimitUse[]>>;
  /** What retention would remove now. */
  retentionPreview(): Promise<Result<RetentionPreview>>;
  /** Removes it. */
  runRetention(): Promise<Result<RetentionRun>>;
  /** Also when it is not ready. */
  readiness(): Promise<Result<z.infer<typeof readinessSchema>>>;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
type Query = Readonly<Record<string, string | number | undefined>>;

interface CallOptions {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as they are, instead. */
  readonly bytes?: Blob;
  readonly headers?: Readonly<Record<string, string>>;
  readonly alsoGood?: readonly number[];
  readonly keepalive?: boolean;
  readonly patienceMs?: number;
}

const requestMs = 30_000;
/** Bytes of a file over a slow line take their time. */
const uploadMs = 60_000;

/** Of the file itself, for an image or a link. */
export const uploadContentPath = (sessionId: string, uploadId: string): string =>
  `${uploadPath(sessionId, uploadId)}/content`;

/** Of the asciicast file, for a link or a player. */
export const recordingPath = (sessionId: string, recordingId: string): string =>
  `/api/sessions/${encodeURIComponent(sessionId)}/recordings/${encodeURIComponent(recordingId)}`;

/** Years of history may go in one request. */
const removalMs = 10 * 60_000;

export function createRestClient(options: RestOptions): RestClient {
  const call = async <T>(
    method: Method,
    path: string,
    parse: (response: Response) => Promise<Result<T>>,
    { body, bytes, headers = {}, alsoGood = [], keepalive = false, patienceMs = requestMs }: CallOptions = {},
  ): Promise<Result<T>> => {
    const type = bytes === undefined ? 'application/json' : 'application/octet-stream';
    const content = bytes ?? (body === undefined ? undefined : JSON.stringify(body));
    try {
      const response = await (options.fetch ?? fetch)(new URL(path, options.url), {
        method,
        credentials: 'same-origin',
        signal: AbortSignal.timeout(patienceMs),
        keepalive,
        headers: {
          ...(content === undefined ? {} : { 'content-type': type }),
          ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
          ...headers,
        },
        ...(content === undefined ? {} : { body: content }),
      });
      return response.ok || alsoGood.includes(response.status) ? await parse(response) : await refused(response);
    } catch (error) {
      if (error instanceof DOMException && error.name === 'TimeoutError') {
        return fail('timeout', 'the server did not answer in time');
      }
      // fetch and the reading of a body reject with a TypeError when the network fails, with an AbortError when the page
      // is left; anything else is a bug.
      const aborted = error instanceof DOMException && error.name === 'AbortError';
      if (error instanceof TypeError || aborted) return fail('unavailable', 'the server cannot be reached');
      throw error;
    }
  };
  const id = encodeURIComponent;
  const picked =
    <T, K extends keyof T>(schema: z.ZodType<T>, key: K) =>
    async (response: Response): Promise<Result<T[K]>> => {
      const parsed = await json(schema)(response);
      return parsed.ok ? ok(parsed.value[key]) : parsed;
    };

  return {
    me: () => call('GET', '/api/me', json(meSchema)),
    login: (token) => call('POST', '/api/login', json(meSchema), { body: { token } }),
    logout: () => call('POST', '/api/logout', nothing),
    createLoginLink: () => call('POST', '/api/login-links', json(loginLinkSchema)),
    listWorkspaces: () => call('GET', '/api/workspaces', picked(workspaceListSchema, 'workspaces')),
    getWorkspace: (which) => call('GET', `/api/workspaces/${id(which)}`, json(workspaceSchema)),
    createWorkspace: (body) => call('POST', '/api/workspaces', json(workspaceSchema), { body }),
    renameWorkspace: (which, name) =>
      call('PATCH', `/api/workspaces/${id(which)}`, json(workspaceSchema), { body: { name } }),
    deleteWorkspace: (which) => call('DELETE', `/api/workspaces/${id(which)}`, nothing),
    listSessions: (query = {}) => call('GET', withQuery('/api/sessions', { ...query }), json(sessionListSchema)),
    getSession: (which) => call('GET', `/api/sessions/${id(which)}`, json(sessionDescriptorSchema)),
    presence: (which) => call('GET', `/api/sessions/${id(which)}/presence`, json(presenceSchema)),
    createSession: (body, idempotencyKey) =>
      call('POST', '/api/sessions', json(sessionDescriptorSchema), {
        body,
        headers: idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey },
      }),
    patchSession: (which, patch) =>
      call('PATCH', `/api/sessions/${id(which)}`, json(sessionDescriptorSchema), { body: patch }),
    deleteSession: (which, { keepalive = false } = {}) =>
      call('DELETE', `/api/sessions/${id(which)}`, nothing, { keepalive }),
    command: (sessionId, body) =>
      call('POST', `/api/sessions/${id(sessionId)}/commands`, picked(commandAnswerSchema, 'receipt'), { body }),
    events: (sessionId, page) =>
      call('GET', withQuery(`/api/sessions/${id(sessionId)}/events`, page), json(eventPageSchema)),
    screen: (sessionId) => call('GET', `/api/sessions/${id(sessionId)}/screen?format=json`, json(screenSchema)),
    screenText: (sessionId) => call('GET', `/api/sessions/${id(sessionId)}/screen?format=text`, text),
    exportText: (sessionId, format) => call('GET', `/api/sessions/${id(sessionId)}/export?format=${format}`, text),
    listApprovals: (query = {}) =>
      call('GET', withQuery('/api/approvals', query), picked(approvalListSchema, 'approvals')),
    answerApproval: (approvalId, commandId, answer) =>
      call('POST', `/api/approvals/${id(approvalId)}/answer`, picked(commandAnswerSchema, 'receipt'), {
        body: { ...answer, id: commandId },
      }),
    listApprovalRules: () => call('GET', '/api/approval-rules', picked(ruleListSchema, 'rules')),
    deleteApprovalRule: (which) => call('DELETE', `/api/approval-rules/${id(which)}`, nothing),
    putUpload: (sessionId, uploadId, upload, bytes) =>
      call('PUT', withQuery(uploadPath(sessionId, uploadId), upload), json(uploadStateSchema), {
        bytes,
        patienceMs: uploadMs,
      }),
    listRecordings: (sessionId) =>
      call('GET', `/api/sessions/${id(sessionId)}/recordings`, picked(recordingListSchema, 'recordings')),
    recordingText: (sessionId, recordingId) =>
      call('GET', recordingPath(sessionId, recordingId), text, { patienceMs: removalMs }),
    removeRecording: (sessionId, recordingId) => call('DELETE', recordingPath(sessionId, recordingId), nothing),
    removeUpload: (sessionId, uploadId) => call('DELETE', uploadPath(sessionId, uploadId), nothing),
    listAgents: (refresh = false) =>
      call('GET', `/api/agents${refresh ? '?refresh=1' : ''}`, picked(agentListSchema, 'agents')),
    listRunners: () => call('GET', '/api/runners', picked(runnerListSchema, 'runners')),
    limits: () => call('GET', '/api/limits', picked(limitListSchema, 'limits')),
    retentionPreview: () => call('GET', '/api/retention/preview', json(retentionPreviewSchema)),
    runRetention: () => call('POST', '/api/retention/run', json(retentionRunSchema), { patienceMs: removalMs }),
    readiness: () => call('GET', '/readyz', json(readinessSchema), { alsoGood: [503] }),
  };
}

const uploadPath = (sessionId: string, uploadId: string): string =>
  `/api/sessions/${encodeURIComponent(sessionId)}/uploads/${encodeURIComponent(uploadId)}`;

function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

const text = async (response: Response): Promise<Result<string>> => ok(await response.text());

const nothing = (): Promise<Result<null>> => Promise.resolve(ok(null));

/** The body by its schema; internal: it does not fit. */
export const json =
  <T>(schema: z.ZodType<T>) =>
  async (response: Response): Promise<Result<T>> => {
    const parsed = schema.safeParse(parseJson(await response.text()));
    return parsed.success ? ok(parsed.data) : fail('internal', 'the server gave an answer that is not understood');
  };

/** The server's own error, or one that fits the status. */
export async function refused(response: Response): Promise<{ ok: false; error: ErrorBody }> {
  const parsed = errorResponseSchema.safeParse(parseJson(await response.text()));
  if (parsed.success) return { ok: false, error: parsed.data.error };
  // Not our server's words: a proxy between, most likely.
  return fail(kindOf(response.status), `the server answered ${response.status}`);
}

const kindOfStatus: Readonly<Record<number, ErrorKind>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  413: 'payload_too_large',
  429: 'rate_limited',
  504: 'timeout',
};

const kindOf = (status: number): ErrorKind => kindOfStatus[status] ?? (status >= 500 ? 'unavailable' : 'bad_request');

/** undefined where the text is no JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
