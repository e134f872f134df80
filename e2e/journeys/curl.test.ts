import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Curl } from '../support/curl.ts';
import { type Installation, install } from '../support/program.ts';

let holdfast: Installation;
let curl: Curl;
let workspaceId: string;

beforeAll(async () => {
  holdfast = await install();
  await holdfast.start();
  const key = await holdfast.run('key', 'create', '--label', 'curl');
  expect(key.stdout).toMatch(/^hf_\S+\n$/);
  curl = new Curl(holdfast.origin, key.stdout.trim());
  workspaceId = String((await curl.call('POST', '/api/workspaces', { path: 'first' })).json()['id']);
});
afterAll(() => holdfast.dispose());

async function create(body: Record<string, unknown>): Promise<string> {
  const answer = await curl.call('POST', '/api/sessions', { workspaceId, ...body });
  expect(answer.status, answer.text).toBe(201);
  return String(answer.json()['id']);
}

async function send(sessionId: string, command: Record<string, unknown>) {
  return curl.call('POST', `/api/sessions/${sessionId}/commands`, command);
}

async function screenOf(sessionId: string): Promise<string> {
  return (await curl.call('GET', `/api/sessions/${sessionId}/screen?format=text`)).text;
}

function facts(lines: string[]): { id: number; type: string }[] {
  const found: { id: number; type: string }[] = [];
  for (const block of lines.join('\n').split('\n\n')) {
    if (!/^event: fact$/m.test(block)) continue;
    const data = /^data: (.*)$/m.exec(block)?.[1];
    if (data !== undefined)
      found.push({ id: Number(/^id: (\d+)$/m.exec(block)?.[1]), type: (JSON.parse(data) as { type: string }).type });
  }
  return found;
}

it('TERM2: a terminal by curl alone: create, type, read the screen, resize, exit code', async () => {
  const id = await create({ kind: 'terminal', terminal: { cols: 100, rows: 30 } });
  const typed = await send(id, { id: 'w1', type: 'terminal.write', data: 'echo "sum is $((20+22))"; stty size\r' });
  expect(typed.status).toBe(202);
  await eventually('the output', async () => /sum is 42[^]*30 100/.test(await screenOf(id)));
  await send(id, { id: 'r1', type: 'terminal.resize', cols: 120, rows: 40 });
  await send(id, { id: 'w2', type: 'terminal.write', data: 'stty size; exit 7\r' });
  await eventually('the end', async () => (await curl.call('GET', `/api/sessions/${id}`)).json()['status'] === 'ended');
  const session = (await curl.call('GET', `/api/sessions/${id}`)).json();
  expect(session).toMatchObject({ terminal: { cols: 120, rows: 40, exit: { exitCode: 7, signal: null } } });
  expect(await screenOf(id)).toContain('40 120');
});

it('TERM1: a shell sees nothing of the server', async () => {
  const id = await create({ kind: 'terminal' });
  await send(id, {
    id: 'w1',
    type: 'terminal.write',
    data: 'env | grep -c -e HOLDFAST_DATA -e SECRET -e ANTHROPIC; echo done\r',
  });
  await eventually('env', async () => /^0$[^]*^done$/m.test(await screenOf(id)));
});

it('LOG7: an agent by curl alone: stream by SSE, resume with Last-Event-ID', async () => {
  const id = await create({ kind: 'agent', agent: { provider: 'claude', prompt: 'slow 20' } });
  const first = curl.stream(`/api/sessions/${id}/events?after=0`);
  const all = await eventually(
    'the turn',
    () => {
      const seen = facts(first.lines());
      return seen.some((fact) => fact.type === 'turn.ended') && seen;
    },
    30_000,
  );
  expect(first.lines()).toContain('event: resume');
  expect(first.lines()).toContain('event: synced');
  expect(first.lines()).toContain('event: preview');
  first.close();
  expect(all.map((fact) => fact.id)).toEqual(all.map((_, index) => index + 1));
  const cut = all[2]?.id ?? 0;
  const second = curl.stream(`/api/sessions/${id}/events`, [`last-event-id: ${cut}`]);
  await eventually('synced', () => second.lines().includes('event: synced'));
  expect(facts(second.lines()).map((fact) => fact.id)).toEqual(all.slice(3).map((fact) => fact.id));
  second.close();
  const page = (await curl.call('GET', `/api/sessions/${id}/events?after=0`)).json() as {
    events: { type: string; data: { text?: string } }[];
  };
  expect(page.events.find((fact) => fact.type === 'message.assistant')?.data.text?.trim()).toBe(
    Array.from({ length: 20 }, (_, index) => index + 1).join(' '),
  );
});

it('APPR2: an approval by curl alone, and a late answer', async () => {
  const id = await create({ kind: 'agent', agent: { provider: 'claude', prompt: 'run touch made-by-agent' } });
  const [approval] = await eventually(
    'pending',
    async () => {
      const { approvals } = (await curl.call('GET', '/api/approvals?status=pending')).json() as {
        approvals: { id: string; sessionId: string }[];
      };
      const mine = approvals.filter((one) => one.sessionId === id);
      return mine.length > 0 && mine;
    },
    30_000,
  );
  const answer = (key: string) =>
    curl.call('POST', `/api/approvals/${approval?.id}/answer`, { id: key, decision: 'allow' });
  expect((await answer('first')).status).toBe(202);
  const late = await answer('second');
  expect(late.status).toBe(409);
  expect(late.json()).toMatchObject({ error: { kind: 'already_answered', details: { answeredBy: { kind: 'user' } } } });
  await eventually(
    'done',
    async () => {
      const page = (await curl.call('GET', `/api/sessions/${id}/events?after=0`)).json() as {
        events: { type: string }[];
      };
      return page.events.some((fact) => fact.type === 'turn.ended');
    },
    30_000,
  );
});

it('WIRE1, LOG5, AUTH1, AUTH7, WIRE4: bad input of every kind gets its typed error and harms nobody', async () => {
  const id = await create({ kind: 'terminal' });
  const kindOf = async (call: Promise<{ status: number; text: string }>) => {
    const { status, text } = await call;
    return `${status} ${(JSON.parse(text) as { error: { kind: string } }).error.kind}`;
  };
  symlinkSync('/etc', join(holdfast.workspaces, 'way-out'));
  const sessions = (body: unknown) => kindOf(curl.call('POST', '/api/sessions', body));
  expect(await sessions({ kind: 'spaceship', workspaceId })).toBe('400 unknown_kind');
  expect(await sessions({ kind: 'terminal', workspaceId: 'nowhere' })).toBe('404 not_found');
  expect(await sessions('{"kind": "terminal",')).toBe('400 bad_request');
  // The connection is closed on who still sends: now and then that overtakes the answer.
  expect(await eventually('the refusal', () => sessions(`"${'x'.repeat(1_100_000)}"`))).toBe('413 payload_too_large');
  expect(await kindOf(curl.call('POST', '/api/workspaces', { path: '/etc' }))).toBe('403 path_outside_roots');
  expect(await kindOf(curl.call('POST', '/api/workspaces', { path: 'way-out' }))).toBe('403 path_outside_roots');
  expect(await kindOf(curl.call('POST', '/api/workspaces', { path: '../../x' }))).toBe('403 path_outside_roots');
  expect(await kindOf(new Curl(holdfast.origin, null).call('GET', '/api/sessions'))).toBe('401 unauthenticated');
  expect(await kindOf(new Curl(holdfast.origin, `hf_${'x'.repeat(64)}`).call('GET', '/api/sessions'))).toBe(
    '401 unauthenticated',
  );
  expect(await kindOf(send(id, { id: 'c', type: 'warp' }))).toBe('400 unknown_kind');
  expect((await send(id, { id: 'same', type: 'terminal.write', data: 'true\r' })).status).toBe(202);
  expect((await send(id, { id: 'same', type: 'terminal.write', data: 'true\r' })).status).toBe(202);
  expect(await kindOf(send(id, { id: 'same', type: 'terminal.write', data: 'false\r' }))).toBe('409 command_id_reused');
  await send(id, { id: 'exit', type: 'terminal.write', data: 'exit\r' });
  await eventually('the end', async () => (await curl.call('GET', `/api/sessions/${id}`)).json()['status'] === 'ended');
  expect(await kindOf(send(id, { id: 'late', type: 'terminal.write', data: 'x' }))).toBe('409 session_ended');
  expect((await curl.call('GET', '/healthz')).status).toBe(200);
});
