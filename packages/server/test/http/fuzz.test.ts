import { errorResponseSchema } from '@holdfast/protocol/error.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Doors, openDoors } from './doors.ts';
import { mutate, randomValue } from './mutations.ts';

const attempts = 500;
const routes: readonly (readonly [string, string, unknown])[] = [
  ['POST', '/api/login', { token: 'x' }],
  ['POST', '/api/login-links', {}],
  ['POST', '/api/workspaces', { path: '/home/x', name: 'x' }],
  ['PATCH', '/api/workspaces/w1', { name: 'x' }],
  [
    'POST',
    '/api/sessions',
    {
      kind: 'agent',
      workspaceId: 'w1',
      title: 'x',
      agent: { provider: 'demo', prompt: 'x' },
      terminal: { env: { A: 'b' }, args: ['x'], cols: 80 },
    },
  ],
  ['PATCH', '/api/sessions/s1', { title: 'x', pinned: true }],
  [
    'POST',
    '/api/sessions/s1/commands',
    {
      id: 'c1',
      type: 'approval.answer',
      approvalId: 'a1',
      answer: { decision: 'allow', updatedInput: { a: [1] }, answers: { q: 'a' } },
    },
  ],
  ['POST', '/api/approvals/a1/answer', { id: 'c2', decision: 'deny', message: 'x' }],
];

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors[Symbol.asyncDispose]());

describe('nonsense', () => {
  it.each(routes)(
    `WIRE1: ${attempts} mutated bodies on %s %s: never a 5xx, always a typed error`,
    async (method, path, good) => {
      const random = seededRandom(20_260_101);
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const value = random.integer(4) === 0 ? randomValue(random) : mutate(good, random);
        const json = JSON.stringify(value) ?? '';
        // One in five is not even JSON: cut somewhere, or with a byte changed.
        const at = random.integer(json.length + 1);
        const payload =
          [json.slice(0, at), `${json.slice(0, at)}\u0007${json.slice(at + 1)}`, json, json, json][random.integer(5)] ??
          '';
        const headers = { authorization: `Bearer ${doors.key}`, 'content-type': 'application/json', host: 'localhost' };
        const response = await doors.app.inject({ method: method as 'POST', url: path, payload, headers });
        if (response.statusCode < 300) continue;
        const shown = `${method} ${path} ${payload} → ${response.statusCode} ${response.payload}`;
        expect(response.statusCode, shown).toBeGreaterThanOrEqual(400);
        expect(response.statusCode, shown).toBeLessThan(500);
        expect(errorResponseSchema.safeParse(response.json()).success, shown).toBe(true);
      }
      expect((await doors.ask('/api/me')).status).toBe(200);
    },
  );

  it(`WIRE1: ${attempts} mutated addresses and headers: never a 5xx`, async () => {
    const random = seededRandom(7);
    const addresses = [
      '/api/sessions/s1/events',
      '/api/sessions/s1/output',
      '/api/sessions/s1/screen',
      '/api/sessions',
      '/api/approvals',
      '/x',
    ];
    const names = ['after', 'before', 'limit', 'from', 'format', 'status', 'cursor', 'q', '__proto__'];
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const text = (): string =>
        encodeURIComponent(String(JSON.stringify(randomValue(random))).toWellFormed()).slice(0, 100);
      const query = Array.from({ length: random.integer(4) }, () => `${random.pick(names)}=${text()}`).join('&');
      const response = await doors.app.inject({
        method: 'GET',
        url: `${random.pick(addresses)}${random.integer(5) === 0 ? `/${text()}` : ''}?${query}`,
        headers: {
          authorization: `Bearer ${doors.key}`,
          host: 'localhost',
          'idempotency-key': text(),
          accept: random.pick(['*/*', 'text/html', '', text()]),
        },
      });
      expect(response.statusCode, query).toBeLessThan(500);
    }
  });
});
