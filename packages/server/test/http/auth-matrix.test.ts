/** Every route × every way of asking: who gets in, and that nobody else reaches a handler. */
import { request as nodeRequest } from 'node:http';
import { errorResponseSchema } from '@holdfast/protocol/error.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Doors, openDoors } from './doors.ts';

const open = ['GET /healthz', 'GET /readyz', 'POST /api/login'];
/** Method, address, body. */
const routes: readonly (readonly [method: string, path: string, body?: string])[] = [
  ['GET', '/healthz'],
  ['GET', '/readyz'],
  ['GET', '/metrics'],
  ['POST', '/api/login', '{"token":"wrong"}'],
  ['GET', '/api/me'],
  ['GET', '/api/ping?nonce=n'],
  ['POST', '/api/login-links'],
  ['GET', '/api/workspaces'],
  ['POST', '/api/workspaces', '{"path":"x"}'],
  ['GET', '/api/workspaces/w1'],
  ['PATCH', '/api/workspaces/w1', '{"name":"x"}'],
  ['DELETE', '/api/workspaces/w1'],
  ['GET', '/api/sessions'],
  ['POST', '/api/sessions', '{"kind":"terminal","workspaceId":"w1"}'],
  ['GET', '/api/sessions/changes'],
  ['GET', '/api/sessions/s1'],
  ['PATCH', '/api/sessions/s1', '{"pinned":true}'],
  ['DELETE', '/api/sessions/s1'],
  ['POST', '/api/sessions/s1/commands', '{"id":"c1","type":"turn.stop"}'],
  ['GET', '/api/sessions/s1/events'],
  ['POST', '/api/sessions/s1/input', '{"inputId":"i","offset":0,"data":"aGk="}'],
  ['POST', '/api/sessions/s1/parsed', '{"streamId":"x","offset":0}'],
  ['GET', '/api/sessions/s1/presence'],
  ['GET', '/api/sessions/s1/screen'],
  ['GET', '/api/sessions/s1/output'],
  ['POST', '/api/heartbeats', '{"streamId":"x","nonce":"n"}'],
  ['PUT', '/api/sessions/s1/uploads/u1?offset=0&size=0&name=x'],
  ['GET', '/api/sessions/s1/uploads/u1'],
  ['GET', '/api/sessions/s1/uploads/u1/content'],
  ['DELETE', '/api/sessions/s1/uploads/u1'],
  ['GET', '/api/sessions/s1/recordings'],
  ['GET', '/api/sessions/s1/recordings/rec1'],
  ['DELETE', '/api/sessions/s1/recordings/rec1'],
  ['GET', '/api/approvals'],
  ['POST', '/api/approvals/a1/answer', '{"id":"c2","decision":"allow"}'],
  ['POST', '/api/approvals/answer', '{"answers":[{"approvalId":"a1","id":"c3","decision":"deny"}]}'],
  ['GET', '/api/approval-rules'],
  ['DELETE', '/api/approval-rules/r1'],
  ['GET', '/api/runners'],
  ['GET', '/api/agents'],
  ['GET', '/api/limits'],
  ['GET', '/api/sessions/export'],
  ['GET', '/api/sessions/s1/export'],
  ['GET', '/api/retention/preview'],
  ['POST', '/api/retention/run'],
  ['GET', '/api/openapi.json'],
  // Last: it ends the cookie.
  ['POST', '/api/logout'],
];

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors[Symbol.asyncDispose]());

interface Answer {
  status: number;
  kind: string;
}

/** Node's own client: fetch would not let Host and Origin be chosen. */
function ask(method: string, path: string, headers: Record<string, string>, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const request = nodeRequest(`${doors.url}${path}`, { method, headers: { ...type, ...headers } }, (response) => {
      if (response.headers['content-type']?.startsWith('text/event-stream') === true) {
        response.destroy();
        return resolve({ status: response.statusCode ?? 0, kind: 'ok' });
      }
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        const status = response.statusCode ?? 0;
        resolve({ status, kind: status < 400 ? 'ok' : errorResponseSchema.parse(JSON.parse(text)).error.kind });
      });
    });
    request.on('error', reject).end(body);
  });
}

describe.each(routes.map(([method, path, body]) => ({ method, path, body })))(
  '$method $path',
  ({ method, path, body }) => {
    const changes = method !== 'GET';
    const isOpen = open.includes(`${method} ${path}`);
    const isLogin = path === '/api/login';
    const good = (answer: Answer): boolean => answer.status < 400;

    it('AUTH1: without a login or with a wrong one nobody gets in', async () => {
      const wrongKey = { authorization: `Bearer hf_${'x'.repeat(64)}` };
      const wrong: Record<string, string>[] = [
        {},
        wrongKey,
        { authorization: 'Bearer' },
        { cookie: 'holdfast.session_token=x.y' },
      ];
      for (const headers of wrong) {
        doors.advance(60_000);
        const answer = await ask(method, path, headers, body);
        if (isLogin) expect(answer).toEqual({ status: 401, kind: 'unauthenticated' });
        else if (isOpen) expect(good(answer)).toBe(true);
        else expect(answer).toEqual({ status: 401, kind: 'unauthenticated' });
      }
    });

    it('AUTH4: under another name nobody gets in, with or without a key', async () => {
      const authorization = `Bearer ${doors.key}`;
      for (const host of ['evil.example', `evil.example:${doors.port}`, '127.0.0.1.evil.example', 'x y']) {
        expect(await ask(method, path, { authorization, host }, body)).toEqual({ status: 403, kind: 'forbidden' });
        expect(await ask(method, path, { host }, body)).toEqual({ status: 403, kind: 'forbidden' });
      }
    });

    it('AUTH3: a change with a cookie needs our own Origin; any other is refused even for reading', async () => {
      const { cookie } = doors;
      const own = [doors.url, `http://localhost:${doors.port}`, 'https://terminal.example.org'];
      const foreign = [
        'http://evil.example',
        'null',
        `http://127.0.0.1:${doors.port + 1}`,
        'http://terminal.example.org',
      ];
      if (isOpen && !isLogin) return;
      for (const origin of foreign) {
        expect(await ask(method, path, { cookie, origin }, body)).toEqual({ status: 403, kind: 'forbidden' });
      }
      const missing = await ask(method, path, { cookie }, body);
      if (isLogin) expect(missing.kind).toBe('unauthenticated');
      else if (changes) expect(missing).toEqual({ status: 403, kind: 'forbidden' });
      else expect(good(missing)).toBe(true);
      for (const origin of path === '/api/logout' ? own.slice(0, 1) : own) {
        const answer = await ask(method, path, { cookie, origin }, body);
        if (isLogin) expect(answer.kind).toBe('unauthenticated');
        else expect(good(answer)).toBe(true);
      }
    });

    it('AUTH1, AUTH3: a key gets in without an Origin', async () => {
      const answer = await ask(method, path, { authorization: `Bearer ${doors.key}` }, body);
      if (isLogin) expect(answer.kind).toBe('unauthenticated');
      else if (path === '/api/logout') expect(answer.kind).toBe('bad_request');
      else expect(good(answer)).toBe(true);
    });
  },
);

describe('all routes', () => {
  it('AUTH1: this table has every route there is', async () => {
    const response = await doors.ask('/api/openapi.json');
    const { paths } = (await response.json()) as { paths: Record<string, Record<string, unknown>> };
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const tested = routes.map(
      ([method, path]) =>
        `${method} ${path
          .replace(/\?.*$/, '')
          .replace(/\/(w1|s1|a1|r1)(?=\/|$)/, '/{id}')
          .replace('/u1', '/{uploadId}')
          .replace('/rec1', '/{recordingId}')}`,
    );
    expect(tested.sort()).toEqual(described.sort());
    const shown = doors.app.printRoutes({ commonPrefix: false });
    // What the document does not show is the page's own files, and nothing else.
    const served = [...shown.matchAll(/\(([A-Z, ]+)\)/g)].flatMap(([, methods = '']) => methods.split(', '));
    expect(served.filter((method) => method !== 'HEAD')).toHaveLength(described.length + 1);
  });

  it('AUTH1: an ended cookie gets nobody in', async () => {
    const { cookie } = doors;
    expect(await ask('GET', '/api/me', { cookie })).toEqual({ status: 401, kind: 'unauthenticated' });
  });

  it('AUTH2: a login by link over HTTP: cookie, me, logout', async () => {
    const { token } = await doors.authentication.createStartLink();
    doors.advance(60_000);
    const login = await fetch(`${doors.url}/api/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'curl/8.5.0' },
      body: JSON.stringify({ token }),
    });
    expect([login.status, await login.json()]).toMatchObject([200, { name: 'Ada', via: 'cookie' }]);
    const cookie = login.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
    expect(await ask('GET', '/api/me', { cookie })).toEqual({ status: 200, kind: 'ok' });
    expect(await ask('POST', '/api/login', {}, JSON.stringify({ token }))).toMatchObject({ kind: 'unauthenticated' });
    const link = await fetch(`${doors.url}/api/login-links`, {
      method: 'POST',
      headers: { cookie, origin: doors.url },
    });
    const { url, path } = (await link.json()) as { url: string; path: string };
    expect([link.status, url]).toEqual([201, `https://terminal.example.org${path}`]);
    const second = path.split('token=')[1] ?? '';
    expect(await ask('POST', '/api/login', {}, JSON.stringify({ token: second }))).toMatchObject({ kind: 'ok' });
    expect(await ask('POST', '/api/logout', { cookie, origin: doors.url })).toEqual({ status: 204, kind: 'ok' });
    expect(await ask('GET', '/api/me', { cookie })).toMatchObject({ kind: 'unauthenticated' });
    expect(doors.log()).not.toContain(token);
    expect(doors.log()).not.toContain(second);
  });
});
