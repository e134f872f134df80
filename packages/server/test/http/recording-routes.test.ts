import { recordingListSchema } from '@holdfast/protocol/recording.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Doors, openDoors } from './doors.ts';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors[Symbol.asyncDispose]());

it('REC5: recordings are listed, downloaded as asciicast that no browser shows, and removed', async () => {
  const file = Buffer.from('{"version":2}\n[0.1,"o","\u20ac"]\n');
  doors.application.recorded.set('r1', file);
  const list = await doors.ask('/api/sessions/s1/recordings');
  expect(recordingListSchema.parse(await list.json()).recordings).toContainEqual(
    expect.objectContaining({ id: 'r1', bytes: file.length }),
  );
  const got = await doors.ask('/api/sessions/s1/recordings/r1');
  expect([got.status, got.headers.get('content-type'), got.headers.get('content-disposition')]).toEqual([
    200,
    'application/x-asciicast',
    'attachment; filename="r1.cast"',
  ]);
  expect(Buffer.from(await got.arrayBuffer())).toEqual(file);
  for (const path of ['/api/sessions/s1/recordings/r2', '/api/sessions/other/recordings/r1']) {
    expect((await doors.ask(path)).status).toBe(404);
  }
  expect((await doors.ask('/api/sessions/s1/recordings/r1', { method: 'DELETE' })).status).toBe(204);
  expect((await doors.ask('/api/sessions/s1/recordings/r2', { method: 'DELETE' })).status).toBe(404);
});
