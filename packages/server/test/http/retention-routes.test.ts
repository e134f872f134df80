import { retentionPreviewSchema, retentionRunSchema } from '@holdfast/protocol/retention.ts';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Doors, openDoors } from './doors.ts';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors[Symbol.asyncDispose]());

it('KEEP1: what would go can be asked for, and be removed at once', async () => {
  const preview = await doors.ask('/api/retention/preview');
  expect(preview.status).toBe(200);
  expect(retentionPreviewSchema.parse(await preview.json())).toMatchObject({ retentionDays: 30 });
  const run = await doors.ask('/api/retention/run', { method: 'POST' });
  expect(run.status).toBe(200);
  expect(retentionRunSchema.parse(await run.json())).toEqual({ deletedSessions: 1, trimmedSessions: 2, facts: 3 });
});

it('LIMIT3: runs cannot be asked for all the time', async () => {
  const statuses: number[] = [];
  for (let index = 0; index < 8; index += 1) {
    statuses.push((await doors.ask('/api/retention/run', { method: 'POST' })).status);
  }
  expect(statuses.at(-1)).toBe(429);
});

it('LIMIT1: a quota is told as 429 with what it counts', async () => {
  const error = { kind: 'quota_exceeded' as const, message: 'Enough.', details: { limit: 3, current: 3 } };
  using _ = vi.spyOn(doors.application, 'createSession').mockResolvedValue({ ok: false, error });
  const body = JSON.stringify({ kind: 'terminal', workspaceId: 'w1' });
  const refused = await doors.ask('/api/sessions', { method: 'POST', body });
  expect(refused.status).toBe(429);
  expect(await refused.json()).toEqual({ error });
});
