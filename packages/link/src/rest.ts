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
import { type Presence, presenceSchema } from '@holdfast/protocol/presence.ts';
import { type Screen, screenSchema } from '@holdfast/protocol/screen.ts';
import { type SessionDescriptor, type SessionStatus, sessionDescriptorSchema } from '@holdfast/protocol/session.ts';
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
 * Every call: the server's own error where it gave one; unavailable when it cannot be reached; timeout after 30 s;
 * internal for an answer that does not fit its schema.
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
  deleteSession(id: string): Promise<Result<null>>;
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
  listAgents(): Promise<Result<AgentInfo[]>>;
  listRunners(): Promise<Result<z.infer<typeof runnerInfoSchema>[]>>;
  /** Also when it is not ready. */
  readiness(): Promise<Result<z.infer<typeof readinessSchema>>>;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
type Query = Readonly<Record<string, string | number | undefined>>;

const requestMs = 30_000;

export function createRestClient(options: RestOptions): RestClient {
  const call = async <T>(
    method: Method,
    path: string,
    parse: (response: Response) => Promise<Result<T>>,
    {
      body,
      headers = {},
      alsoGood = [],
    }: { body?: unknown; headers?: Record<string, string>; alsoGood?: number[] } = {},
  ): Promise<Result<T>> => {
    try {
      const response = await (options.fetch ?? fetch)(new URL(path, options.url), {
        method,
        credentials: 'same-origin',
        signal: AbortSignal.timeout(requestMs),
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return response.ok || alsoGood.includes(response.status) ? await parse(response) : await refused(response);
    } catch (error) {
      if (error instanceof DOMException && error.name === 'TimeoutError') {
        return fail('timeout', 'the server did not answer in time');
      }
      // fetch and the reading of a body reject with a TypeError when the network fails; anything else is a bug.
      if (error instanceof TypeError) return fail('unavailable', 'the server cannot be reached');
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
    deleteSession: (which) => call('DELETE', `/api/sessions/${id(which)}`, nothing),
    command: (sessionId, body) =>
      call('POST', `/api/sessions/${id(sessionId)}/commands`, picked(commandAnswerSchema, 'receipt'), { body }),
    events: (sessionId, page) =>
      call('GET', withQuery(`/api/sessions/${id(sessionId)}/events`, page), json(eventPageSchema)),
    screen: (sessionId) => call('GET', `/api/sessions/${id(sessionId)}/screen?format=json`, json(screenSchema)),
    screenText: (sessionId) =>
      call('GET', `/api/sessions/${id(sessionId)}/screen?format=text`, async (response) => ok(await response.text())),
    listApprovals: (query = {}) =>
      call('GET', withQuery('/api/approvals', query), picked(approvalListSchema, 'approvals')),
    answerApproval: (approvalId, commandId, answer) =>
      call('POST', `/api/approvals/${id(approvalId)}/answer`, picked(commandAnswerSchema, 'receipt'), {
        body: { ...answer, id: commandId },
      }),
    listApprovalRules: () => call('GET', '/api/approval-rules', picked(ruleListSchema, 'rules')),
    deleteApprovalRule: (which) => call('DELETE', `/api/approval-rules/${id(which)}`, nothing),
    listAgents: () => call('GET', '/api/agents', picked(agentListSchema, 'agents')),
    listRunners: () => call('GET', '/api/runners', picked(runnerListSchema, 'runners')),
    readiness: () => call('GET', '/readyz', json(readinessSchema), { alsoGood: [503] }),
  };
}

function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}

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
