import { StoreUnavailable } from '@holdfast/store/unavailable.ts';
import { errorResponseSchema } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Doors, inlineScript, openDoors } from './doors.ts';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors[Symbol.asyncDispose]());
beforeEach(() => {
  doors.application.broken = null;
});

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  doors.ask(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers });
const errorOf = async (response: Response) => errorResponseSchema.parse(await response.json()).error;
const send = (id: string, text = 'hello') => ({ id, type: 'message.send', text });

describe('the calls', () => {
  it('WIRE1: workspaces', async () => {
    const created = await post('/api/workspaces', { path: 'x', name: 'mine' });
    expect([created.status, ((await created.json()) as { name: string }).name]).toEqual([201, 'mine']);
    expect(await (await doors.ask('/api/workspaces')).json()).toMatchObject({ workspaces: [{ id: 'w1' }] });
    expect(await (await doors.ask('/api/workspaces/w1')).json()).toMatchObject({ id: 'w1' });
    const renamed = await doors.ask('/api/workspaces/w1', { method: 'PATCH', body: JSON.stringify({ name: 'new' }) });
    expect(await renamed.json()).toMatchObject({ name: 'new' });
    const deleted = await doors.ask('/api/workspaces/w1', { method: 'DELETE' });
    expect([deleted.status, await deleted.text()]).toEqual([204, '']);
  });

  it('WIRE1: sessions, with an idempotency key', async () => {
    const body = { kind: 'terminal', workspaceId: 'w1', terminal: { cols: 100, rows: 30 } };
    const first = await post('/api/sessions', body, { 'idempotency-key': 'first' });
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, null]);
    expect(await first.json()).toMatchObject({ id: 's1', kind: 'terminal' });
    const again = await post('/api/sessions', body, { 'idempotency-key': 'again' });
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    const spaced = await post('/api/sessions', body, { 'idempotency-key': 'not one' });
    expect((await errorOf(spaced)).kind).toBe('bad_request');
    expect(await (await doors.ask('/api/sessions?limit=5&q=sh&status=active')).json()).toMatchObject({
      sessions: [{ id: 's1' }],
    });
    expect(await (await doors.ask('/api/sessions/s1')).json()).toMatchObject({ id: 's1' });
    const patched = await doors.ask('/api/sessions/s1', { method: 'PATCH', body: '{"pinned":true}' });
    expect(patched.status).toBe(200);
    expect((await doors.ask('/api/sessions/s1', { method: 'DELETE' })).status).toBe(204);
  });

  it('LOG4, LOG5: a command is answered 202 with its receipt; again the same; another body is a conflict', async () => {
    const first = await post('/api/sessions/s1/commands', send('c1'));
    expect(first.status).toBe(202);
    const receipt: unknown = await first.json();
    expect(receipt).toEqual({ receipt: { commandId: 'c1', status: 'stored', seq: 3 } });
    expect(await (await post('/api/sessions/s1/commands', send('c1'))).json()).toEqual(receipt);
    const other = await post('/api/sessions/s1/commands', send('c1', 'other'));
    expect([other.status, (await errorOf(other)).kind]).toEqual([409, 'command_id_reused']);
  });

  it('APPR2: an approval is answered by a command of its session', async () => {
    expect(await (await doors.ask('/api/approvals?status=pending')).json()).toMatchObject({
      approvals: [{ id: 'a1' }],
    });
    const answered = await post('/api/approvals/a1/answer', { id: 'c2', decision: 'deny', message: 'no' });
    expect([answered.status, await answered.json()]).toMatchObject([202, { receipt: { commandId: 'c2' } }]);
    expect(doors.application.commands.at(-1)).toEqual({
      id: 'c2',
      type: 'approval.answer',
      approvalId: 'a1',
      answer: { decision: 'deny', message: 'no' },
    });
    expect((await post('/api/approvals/a9/answer', { id: 'c3', decision: 'deny' })).status).toBe(404);
  });

  it('APPR8: several answers in one request get a receipt or an error each, in their order', async () => {
    const answers = [
      { approvalId: 'a9', id: 'b1', decision: 'allow' },
      { approvalId: 'a1', id: 'b2', decision: 'deny', message: 'no' },
    ];
    const answered = await post('/api/approvals/answer', { answers });
    expect([answered.status, await answered.json()]).toMatchObject([
      200,
      {
        results: [
          { approvalId: 'a9', id: 'b1', error: { kind: 'not_found' } },
          { approvalId: 'a1', id: 'b2', receipt: { commandId: 'b2', status: 'stored' } },
        ],
      },
    ]);
    const many = Array.from({ length: 101 }, (_, index) => ({ approvalId: 'a1', id: `b${index}`, decision: 'deny' }));
    for (const body of [{ answers: [] }, { answers: many }, {}, { answers: [{ approvalId: 'a1', id: 'x' }] }]) {
      const refused = await post('/api/approvals/answer', body);
      expect([refused.status, (await errorOf(refused)).kind]).toEqual([400, 'bad_request']);
    }
  });

  it('APPR7: rules are listed and taken back; bad ones are refused with a typed error', async () => {
    expect(await (await doors.ask('/api/approval-rules')).json()).toEqual({ rules: [] });
    expect((await doors.ask('/api/approval-rules/r1', { method: 'DELETE' })).status).toBe(204);
    expect((await doors.ask('/api/approval-rules/r2', { method: 'DELETE' })).status).toBe(404);
    const match = { kind: 'prefix', tool: 'Bash', words: ['git'] };
    for (const rule of [
      { match, where: 'here' },
      { match: { ...match, words: [] }, where: 'everywhere' },
      { match: { ...match, kind: 'regex' }, where: 'everywhere' },
      { match, where: 'everywhere', expiresAt: 'tomorrow' },
    ]) {
      const refused = await post('/api/approvals/a1/answer', { id: 'c4', decision: 'allow', scope: 'rule', rule });
      expect([refused.status, (await errorOf(refused)).kind]).toEqual([400, 'bad_request']);
    }
  });

  it('TERM2: the screen as text, as escapes and whole; output as bytes with their offset', async () => {
    const text = await doors.ask('/api/sessions/s1/screen');
    expect([text.headers.get('content-type'), await text.text()]).toEqual(['text/plain; charset=utf-8', 'hi']);
    expect(await (await doors.ask('/api/sessions/s1/screen?format=ansi')).text()).toBe('\x1b[1mhi');
    expect(await (await doors.ask('/api/sessions/s1/screen?format=json')).json()).toMatchObject({
      offset: 7,
      cols: 80,
    });
    const output = await doors.ask('/api/sessions/s1/output?from=1');
    expect(output.headers.get('holdfast-offset')).toBe('2');
    expect(output.headers.get('content-type')).toBe('application/octet-stream');
    expect([...new Uint8Array(await output.arrayBuffer())]).toEqual([0, 255, 10]);
  });

  it('LOG1: the log by pages, forwards and backwards', async () => {
    const page = await doors.ask('/api/sessions/s1/events?after=1&limit=1');
    expect(await page.json()).toMatchObject({ events: [{ seq: 2 }], lastSeq: 3, oldestSeq: 1 });
    const back = await doors.ask('/api/sessions/s1/events?before=3&limit=1');
    expect(await back.json()).toMatchObject({ events: [{ seq: 2 }] });
    expect((await errorOf(await doors.ask('/api/sessions/s1/events?before=3&after=1'))).kind).toBe('bad_request');
  });

  it('WIRE1: machines, agents, me', async () => {
    expect(await (await doors.ask('/api/runners')).json()).toEqual({
      runners: [{ id: 'r1', name: 'here', online: true, roots: ['/home'] }],
    });
    expect(await (await doors.ask('/api/agents')).json()).toEqual({ agents: [], version: 'first' });
    expect(await (await doors.ask('/api/agents?refresh=1')).json()).toEqual({ agents: [], version: 'looked again' });
    expect(await (await doors.ask('/api/me')).json()).toMatchObject({ name: 'Ada', via: 'key' });
  });
});

describe('what does not fit', () => {
  const deep = `${'['.repeat(33)}${']'.repeat(33)}`;
  const command = '/api/sessions/s1/commands';
  const huge = 'x'.repeat(limits.requestBytes);
  it.each<[string, string, unknown, number, string]>([
    ['an unknown session kind', '/api/sessions', { kind: 'robot', workspaceId: 'w1' }, 400, 'unknown_kind'],
    ['an unknown workspace', '/api/sessions', { kind: 'terminal', workspaceId: 'w9' }, 404, 'not_found'],
    ['a path outside the roots', '/api/workspaces', { path: '/outside' }, 403, 'path_outside_roots'],
    ['malformed JSON', command, '{"id": ', 400, 'bad_request'],
    ['no JSON at all', command, 'hello', 400, 'bad_request'],
    ['an empty body', command, '', 400, 'bad_request'],
    ['null', command, 'null', 400, 'bad_request'],
    ['a list', command, [1, 2], 400, 'bad_request'],
    ['a body over the limit', command, JSON.stringify(send('c', huge)), 413, 'payload_too_large'],
    ['a message over the limit', command, send('c', 'x'.repeat(limits.messageText + 1)), 400, 'bad_request'],
    ['a message of spaces', command, send('c', '  \n'), 400, 'bad_request'],
    ['an unknown command type', command, { id: 'c', type: 'self.destruct' }, 400, 'unknown_kind'],
    ['no command type', command, { id: 'c' }, 400, 'unknown_kind'],
    ['a command without id', command, { type: 'turn.stop' }, 400, 'bad_request'],
    ['a command with a strange id', command, { id: '../x', type: 'turn.stop' }, 400, 'bad_request'],
    ['nesting over the limit', command, `{"id":"c","type":"turn.stop","x":${deep}}`, 400, 'bad_request'],
    ['a poisoned prototype', command, '{"id":"c","type":"turn.stop","__proto__":{"x":1}}', 400, 'bad_request'],
    ['a command for an unknown session', '/api/sessions/s9/commands', send('c'), 404, 'not_found'],
    ['a command for an ended session', '/api/sessions/ended/commands', send('c'), 409, 'session_ended'],
    ['an answer that is none', '/api/approvals/a1/answer', { id: 'c', decision: 'maybe' }, 400, 'bad_request'],
    ['an unknown address', '/api/nothing', {}, 404, 'not_found'],
    ['a call that is not there', '/api/me', {}, 404, 'not_found'],
  ])('WIRE1, WIRE3: %s', async (_what, path, body, status, kind) => {
    const before = doors.application.commands.length;
    const response = await post(path, body);
    expect([response.status, (await errorOf(response)).kind]).toEqual([status, kind]);
    expect(doors.application.commands).toHaveLength(before);
  });

  it('SESSION1: an unknown kind of session or command is told with those there are', async () => {
    const known = async (path: string, body: unknown) => (await errorOf(await post(path, body))).details?.['known'];
    expect(await known('/api/sessions', { kind: 'robot', workspaceId: 'w1' })).toEqual(['terminal', 'agent']);
    expect(await known(command, { id: 'c', type: 'self.destruct' })).toContain('message.send');
  });

  it.each([
    ['/api/sessions?limit=-1'],
    ['/api/sessions?limit=1&limit=2'],
    ['/api/sessions?status=sleeping'],
    ['/api/sessions/%00'],
    ['/api/sessions/..%2f..%2fetc'],
    ['/api/sessions/%zz'],
    [`/api/sessions/${'x'.repeat(100)}`],
    ['/api/sessions/s1/events?after=abc'],
    ['/api/sessions/s1/events?limit=501'],
    ['/api/sessions/s1/events?limit=0'],
    ['/api/sessions/s1/screen?format=pdf'],
    ['/api/sessions/s1/output?from=1.5'],
  ])('WIRE1: GET %s is a bad request', async (path) => {
    const response = await doors.ask(path);
    expect([response.status, (await errorOf(response)).kind]).toEqual([400, 'bad_request']);
  });

  it('WIRE1: a body that does not say it is JSON', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'nonsense',
    ]) {
      const response = await post(command, JSON.stringify(send('c')), { 'content-type': type });
      const error = await errorOf(response);
      expect([type, response.status, error.kind]).toEqual([type, 400, 'bad_request']);
      expect(error.message).toContain('application/json');
    }
  });

  it('WIRE3: an error names the fields and repeats no value', async () => {
    const response = await post(command, { id: 'c', type: 'message.send', text: 7, secret: 'hunter2' });
    const error = await errorOf(response);
    expect(error.details).toEqual({ issues: [{ path: 'text', message: expect.any(String) as string }] });
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });

  it('WIRE3: a bug answers internal with a reference that is also in the log, and no stack', async () => {
    doors.application.broken = new Error('the disk said: secret place');
    for (const path of ['/api/workspaces', '/api/sessions/s1', '/api/approvals', '/api/sessions/s1/events']) {
      const response = await doors.ask(path);
      const error = await errorOf(response);
      expect([response.status, error.kind]).toEqual([500, 'internal']);
      const reference = String(error.details?.['reference']);
      expect(error.message).toContain(reference);
      expect(doors.log()).toContain(reference);
      expect(JSON.stringify(error)).not.toMatch(/disk|secret|\.ts/);
    }
    expect(doors.log()).toContain('the disk said');
  });

  it('OPS6: while the store cannot answer, it is unavailable and says when to come again', async () => {
    doors.application.broken = new StoreUnavailable({
      kind: 'unavailable',
      message: 'The disk is full.',
      retryAfterMs: 5,
    });
    const response = await doors.ask('/api/workspaces');
    const error = await errorOf(response);
    expect([response.status, error.kind, error.retryAfterMs]).toEqual([503, 'unavailable', 5]);
  });

  it('WIRE3: too often is rate_limited and says how long to wait', async () => {
    let response = await post('/api/login-links', '');
    for (let more = 0; response.status === 201 && more < 20; more += 1) response = await post('/api/login-links', '');
    const error = await errorOf(response);
    expect([response.status, error.kind]).toEqual([429, 'rate_limited']);
    expect(error.retryAfterMs).toBeGreaterThan(0);
    expect(Number(response.headers.get('retry-after'))).toBe(Math.ceil((error.retryAfterMs ?? 0) / 1_000));
  });
});

describe('the page', () => {
  it('PAGE4: a place in the app gets the page, a missing file and a missing call do not', async () => {
    const html = { accept: 'text/html,application/xhtml+xml' };
    const get = (path: string, headers: Record<string, string> = {}) => fetch(`${doors.url}${path}`, { headers });
    for (const path of ['/', '/login', '/sessions/s1?x=1', '/sessions/a.b']) {
      const response = await get(path, html);
      expect([path, response.status, response.headers.get('cache-control')]).toEqual([path, 200, 'no-cache']);
      expect(response.headers.get('content-type')).toContain('text/html');
    }
    for (const path of [
      '/api/nothing',
      '/_app/immutable/gone.js',
      '/metrics/x',
      '/../auth.db',
      '/%2e%2e/auth.db',
      '/..%2fauth.db',
    ]) {
      const response = await get(path, html);
      expect([path, response.status === 404 || response.status === 200]).toEqual([path, true]);
      expect(await response.text()).not.toContain('SQLite');
    }
    expect((await get('/api/nothing', html)).status).toBe(404);
    expect((await get('/_app/immutable/gone.js', html)).status).toBe(404);
    expect((await get('/gone.js')).status).toBe(404);
    const asset = await get('/_app/immutable/a.js');
    expect([asset.status, asset.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable']);
    expect((await get('/favicon.svg')).headers.get('cache-control')).toBe('no-cache');
  });

  it('PAGE4: the policy lets the page run its own inline script and nothing else', async () => {
    const policy = (await fetch(`${doors.url}/`)).headers.get('content-security-policy') ?? '';
    const hash = createHash('sha256').update(inlineScript).digest('base64');
    expect(policy).toContain(`script-src 'self' 'sha256-${hash}';`);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe-eval|script-src[^;]*unsafe-inline|https?:|\*/);
    expect((await fetch(`${doors.url}/`)).headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('health', () => {
  it('OPS5: readiness names its checks and fails while one fails or does not answer', async () => {
    const ready = async () => {
      const response = await fetch(`${doors.url}/readyz`);
      return [response.status, (await response.json()) as unknown] as const;
    };
    expect(await ready()).toEqual([
      200,
      { ready: true, checks: { store: { ok: true, durationMs: expect.any(Number) as number } } },
    ]);
    doors.application.readiness['runner'] = () => Promise.reject(new Error('password=hunter2'));
    doors.application.readiness['disk'] = () => {
      throw new Error('at once');
    };
    doors.application.readiness['slow'] = () => new Promise(() => undefined);
    const [status, report] = await ready();
    expect(status).toBe(503);
    expect(report).toMatchObject({
      ready: false,
      checks: {
        store: { ok: true },
        runner: { ok: false },
        disk: { ok: false },
        slow: { ok: false, message: 'no answer within 2000 ms' },
      },
    });
    expect(JSON.stringify(report)).not.toContain('hunter2');
    for (const name of ['runner', 'disk', 'slow']) delete doors.application.readiness[name];
    expect((await ready())[0]).toBe(200);
    expect((await fetch(`${doors.url}/healthz`)).status).toBe(200);
  });

  it('OPS5: the metrics count what was asked, by route and not by address', async () => {
    await doors.ask('/api/sessions/s1');
    const text = await (await doors.ask('/metrics')).text();
    expect(text).toMatch(
      /holdfast_http_request_seconds_count\{method="GET",route="\/api\/sessions\/:id",status="200"\} \d+/,
    );
    for (const name of [
      'nodejs_eventloop_lag_seconds',
      'holdfast_event_streams',
      'holdfast_sockets',
      'holdfast_subscriptions',
    ]) {
      expect(text).toContain(`${name} `);
    }
  });
});

describe('the contract', () => {
  it('WIRE2: the OpenAPI document names every call and its bodies', async () => {
    const document = (await (await doors.ask('/api/openapi.json')).json()) as {
      openapi: string;
      paths: Record<string, Record<string, { requestBody?: unknown; responses: Record<string, unknown> }>>;
    };
    expect(document.openapi).toBe('3.1.0');
    const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(calls.sort()).toEqual(
      [
        'GET /healthz',
        'POST /api/approvals/answer',
        'GET /api/approval-rules',
        'DELETE /api/approval-rules/{id}',
        'GET /readyz',
        'GET /metrics',
        'POST /api/heartbeats',
        'POST /api/login',
        'GET /api/me',
        'POST /api/logout',
        'POST /api/login-links',
        'GET /api/workspaces',
        'POST /api/workspaces',
        'GET /api/workspaces/{id}',
        'PATCH /api/workspaces/{id}',
        'DELETE /api/workspaces/{id}',
        'GET /api/sessions',
        'POST /api/sessions',
        'GET /api/sessions/{id}',
        'PATCH /api/sessions/{id}',
        'DELETE /api/sessions/{id}',
        'POST /api/sessions/{id}/commands',
        'GET /api/sessions/{id}/events',
        'GET /api/sessions/{id}/screen',
        'GET /api/sessions/{id}/output',
        'GET /api/sessions/{id}/presence',
        'GET /api/approvals',
        'POST /api/approvals/{id}/answer',
        'GET /api/runners',
        'GET /api/agents',
        'GET /api/openapi.json',
        'GET /api/ping',
        'GET /api/sessions/changes',
        'POST /api/sessions/{id}/input',
        'POST /api/sessions/{id}/parsed',
        'PUT /api/sessions/{id}/uploads/{uploadId}',
        'GET /api/sessions/{id}/uploads/{uploadId}',
        'GET /api/sessions/{id}/uploads/{uploadId}/content',
        'DELETE /api/sessions/{id}/uploads/{uploadId}',
        'GET /api/sessions/{id}/recordings',
        'GET /api/sessions/{id}/recordings/{recordingId}',
        'DELETE /api/sessions/{id}/recordings/{recordingId}',
        'GET /api/limits',
        'GET /api/sessions/export',
        'GET /api/sessions/{id}/export',
        'GET /api/retention/preview',
        'POST /api/retention/run',
      ].sort(),
    );
    const commands = JSON.stringify(document.paths['/api/sessions/{id}/commands']?.['post']?.requestBody);
    for (const type of ['message.send', 'turn.resume', 'terminal.resize']) expect(commands).toContain(type);
    expect(JSON.stringify(document.paths['/api/sessions/{id}']?.['get']?.responses)).toContain('already_answered');
  });
});
