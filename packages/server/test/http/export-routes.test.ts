import { request } from 'node:http';
import type { Fact } from '@holdfast/protocol/fact.ts';
import { exportLineSchema, sessionExportSchema } from '@holdfast/protocol/export.ts';
import { limitListSchema } from '@holdfast/protocol/limit-use.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { contentDisposition, fileNameOf } from '../../src/http/file-name.ts';
import { type Doors, openDoors } from './doors.ts';

let doors: Doors;
beforeEach(async () => {
  doors = await openDoors();
});
afterEach(() => doors[Symbol.asyncDispose]());

const pageBytes = 64 * 1024;
/** seq: of the page's one fact. */
const page = (seq: number): Fact[] => [
  {
    seq,
    at: '2026-01-01T00:00:00.000Z',
    type: 'message.user',
    data: { messageId: `m${seq}`, turnId: null, text: 'x'.repeat(pageBytes) },
  },
];

it('EXPORT1, EXPORT2: one session as JSON, with a name to save it under', async () => {
  const answer = await doors.ask('/api/sessions/s1/export');
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="holdfast-shell-s1.json"');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  expect(sessionExportSchema.parse(await answer.json())).toMatchObject({
    session: { id: 's1' },
    facts: doors.application.logs.get('s1'),
  });
});

it('EXPORT2: a log without facts is valid JSON too', async () => {
  doors.application.logs.set('s1', []);
  const exported = sessionExportSchema.parse(await (await doors.ask('/api/sessions/s1/export')).json());
  expect(exported.facts).toEqual([]);
});

it('EXPORT3: as Markdown, what was said by whom', async () => {
  const answer = await doors.ask('/api/sessions/s1/export?format=markdown');
  expect(answer.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
  expect(await answer.text()).toMatch(/^# shell\n[^]*```markdown\none\n```\n[^]*```markdown\nthree\n```\n$/);
});

it('EXPORT4: many as a line each, with an end; or as one document, with an end', async () => {
  doors.application.logs.set('s2', []);
  doors.application.append('s2', 'other');
  const answer = await doors.ask('/api/sessions/export?which=archived');
  expect(answer.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
  expect(answer.headers.get('content-disposition')).toMatch(/"holdfast-archived-\d{4}-\d\d-\d\d\.ndjson"/);
  const lines = (await answer.text()).trimEnd().split('\n');
  const parsed = lines.map((line) => exportLineSchema.parse(JSON.parse(line)));
  expect(parsed.map((line) => (line.type === 'fact' ? `${line.sessionId} ${line.fact.seq}` : line.type))).toEqual([
    ...['session', 's1 1', 's1 2', 's1 3'],
    ...['session', 's2 1', 'end'],
  ]);
  expect(parsed.at(-1)).toEqual({ type: 'end', sessions: 2 });
  const document = await (await doors.ask('/api/sessions/export?which=expiring&format=markdown')).text();
  expect(document).toMatch(/2 sessions; the export is complete\.\n$/);
});

it('EXPORT1, WIRE1: what cannot be exported is refused with a typed error', async () => {
  for (const [path, kind] of [
    ['/api/sessions/none/export', 'not_found'],
    ['/api/sessions/s1/export?format=pdf', 'bad_request'],
    ['/api/sessions/export?which=everything', 'bad_request'],
  ] as const) {
    const answer = await doors.ask(path);
    expect(await answer.json()).toMatchObject({ error: { kind } });
  }
  const nobody = await doors.ask('/api/sessions/s1/export', { headers: { authorization: '' } });
  expect(nobody.status).toBe(401);
});

it('EXPORT1: a log that cannot be read to its end is broken off, not closed', async () => {
  doors.application.exported = (async function* () {
    for (let seq = 1; seq <= 4; seq += 1) yield page(seq);
    throw new Error('a fact is no longer there');
  })();
  const answer = await doors.ask('/api/sessions/s1/export');
  expect(answer.status).toBe(200);
  await expect(answer.text()).rejects.toThrow();
  expect((await doors.ask('/healthz')).status).toBe(200);
});

it('EXPORT1: a reader that does not read holds back the reading of the log, and frees it when it goes', async () => {
  let read = 0;
  let ended = false;
  doors.application.exported = (async function* () {
    try {
      for (;;) yield page((read += 1));
    } finally {
      ended = true;
    }
  })();
  const asking = request(`${doors.url}/api/sessions/s1/export`, {
    headers: { authorization: `Bearer ${doors.key}`, connection: 'close' },
  });
  const response = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    asking.on('response', resolve).on('error', reject).end();
  });
  response.pause();
  let before = -1;
  await eventually('no more is read', () => {
    const still = read === before;
    before = read;
    return still;
  });
  // What the system's buffers of both ends take, and no more: not the log, which has no end.
  expect(read * pageBytes).toBeLessThan(64 * 1024 * 1024);
  expect(ended).toBe(false);
  asking.destroy();
  await eventually('the reading has ended', () => ended);
});

it('EXPORT1, LIMIT1: one login has at most four under way, and another when one is done', async () => {
  let stop = false;
  let ended = 0;
  const endless = {
    async *[Symbol.asyncIterator]() {
      try {
        for (let seq = 1; !stop; seq += 1) yield page(seq);
      } finally {
        ended += 1;
      }
    },
  };
  doors.application.exported = endless;
  const open = await Promise.all(Array.from({ length: 4 }, () => doors.ask('/api/sessions/s1/export')));
  const refused = await doors.ask('/api/sessions/s1/export');
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({ error: { kind: 'quota_exceeded', details: { limit: 4, current: 4 } } });
  stop = true;
  await Promise.all(open.map((answer) => answer.text()));
  await eventually('all have ended', () => ended === 4);
  expect((await doors.ask('/api/sessions/s1/export')).status).toBe(200);
});

it('EXPORT3: a file name holds nothing of a title that a file system or a header could take ill', () => {
  const id = '0123456789ab';
  expect(fileNameOf('Fix the login bug!', id)).toBe('holdfast-fix-the-login-bug-01234567');
  expect(fileNameOf('../../etc/passwd', id)).toBe('holdfast-etc-passwd-01234567');
  expect(fileNameOf('"; filename="evil.exe\r\nset-cookie: a=b', id)).toBe(
    'holdfast-filename-evil-exe-set-cookie-a-b-01234567',
  );
  expect(fileNameOf('\u202e\u0000 \ud800 /\\:*?', id)).toBe('holdfast-session-01234567');
  expect(fileNameOf('x'.repeat(200), id)).toBe(`holdfast-${'x'.repeat(60)}-01234567`);
  expect(contentDisposition(`${fileNameOf('Größe 漢字', id)}.md`)).toBe(
    `attachment; filename="holdfast-gr__e-__-01234567.md"; filename*=UTF-8''holdfast-gr%C3%B6%C3%9Fe-%E6%BC%A2%E5%AD%97-01234567.md`,
  );
});

it('LIMIT5: limits and what is used of them can be asked for', async () => {
  const answer = await doors.ask('/api/limits');
  expect(limitListSchema.parse(await answer.json()).limits).toEqual([{ name: 'openSessions', limit: 3, current: 1 }]);
});
