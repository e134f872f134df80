import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRestClient } from '../src/rest.ts';
import { ScriptedServer } from './scripted-server.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let server: ScriptedServer;
let seen: Seen[];
let answer: { status: number; body: string };

beforeEach(async () => {
  seen = [];
  server = await ScriptedServer.start();
  server.http = (request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body });
      response.writeHead(answer.status).end(answer.body);
    });
  };
});
afterEach(() => server.stop());

const json = (status: number, body: unknown): void => {
  answer = { status, body: JSON.stringify(body) };
};

describe('REST client', () => {
  it('AUTH1: sends the key with every request, and the body and query as the contract says', async () => {
    const rest = createRestClient({ url: server.url, key: 'secret' });
    json(200, { sessions: [] });
    expect(await rest.listSessions({ limit: 5, q: 'a b' })).toEqual({ ok: true, value: { sessions: [] } });
    json(202, { receipt: { commandId: 'c', status: 'stored', seq: 3 } });
    expect(await rest.answerApproval('a', 'c', { decision: 'deny', message: 'no' })).toMatchObject({
      ok: true,
      value: { seq: 3 },
    });
    answer = { status: 204, body: '' };
    expect(await rest.deleteSession('s')).toEqual({ ok: true, value: null });
    expect(seen.map(({ method, url }) => `${method ?? ''} ${url ?? ''}`)).toEqual([
      'GET /api/sessions?limit=5&q=a+b',
      'POST /api/approvals/a/answer',
      'DELETE /api/sessions/s',
    ]);
    expect(seen.every(({ headers }) => headers.authorization === 'Bearer secret')).toBe(true);
    expect(JSON.parse(seen[1]?.body ?? '')).toEqual({ decision: 'deny', message: 'no', id: 'c' });
  });

  it('WIRE3: the server\u2019s error comes as it is, a stranger\u2019s by its status, and none as an exception', async () => {
    const rest = createRestClient({ url: server.url });
    json(429, { error: { kind: 'rate_limited', message: 'slow', retryAfterMs: 500 } });
    expect(await rest.me()).toEqual({
      ok: false,
      error: { kind: 'rate_limited', message: 'slow', retryAfterMs: 500 },
    });
    const kinds: (string | null)[] = [];
    for (const status of [401, 403, 404, 418, 502, 504]) {
      answer = { status, body: '<html>' };
      const result = await rest.me();
      kinds.push(result.ok ? null : result.error.kind);
    }
    expect(kinds).toEqual(['unauthenticated', 'forbidden', 'not_found', 'bad_request', 'unavailable', 'timeout']);
    await server.stop();
    expect(await rest.me()).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
  });

  it('WIRE1: an answer that does not fit its schema is an error value', async () => {
    const rest = createRestClient({ url: server.url });
    json(200, { id: 7 });
    expect(await rest.me()).toMatchObject({ ok: false, error: { kind: 'internal' } });
    answer = { status: 200, body: 'no json' };
    expect(await rest.listAgents()).toMatchObject({ ok: false, error: { kind: 'internal' } });
  });

  it('OPS5: not ready is an answer, not an error', async () => {
    const rest = createRestClient({ url: server.url });
    json(503, { ready: false, checks: { store: { ok: false, durationMs: 3, message: 'gone' } } });
    expect(await rest.readiness()).toMatchObject({ ok: true, value: { ready: false } });
  });
});
