import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { RecordingDisk } from '@holdfast/runner/recordings/recording-disk.ts';
import { Recordings } from '@holdfast/runner/recordings/recordings.ts';
import { createReports } from '@holdfast/runner/reports.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';

const screen = { offset: 0, cols: 80, rows: 24, ansi: 'here' };
const dayMs = 86_400_000;

it('REC4, REC5: a person has so many on a machine; what has ended goes by age, what goes on does not', async () => {
  using directory = temporaryDirectory();
  const root = join(directory.path, 'recordings');
  let at = Date.now();
  const opened = async (): Promise<Recordings> => {
    const recordings = new Recordings({
      disk: new RecordingDisk(root),
      reports: createReports(),
      days: 30,
      now: () => at,
      after: () => () => undefined,
      log: pino({ level: 'silent' }),
      limits: { bytes: 10_000, perUser: 2 },
    });
    await recordings.start();
    return recordings;
  };
  const recordings = await opened();
  const begin = (sessionId: string, ownerId: string) =>
    recordings.begin({ sessionId, recordingId: 'r', ownerId, title: '' }, screen, undefined);
  const first = begin('s1', 'u1');
  const second = begin('s2', 'u1');
  expect(recordings.room('u1')).toMatchObject({ error: { kind: 'quota_exceeded', details: { limit: 2, current: 2 } } });
  expect(recordings.room('u2').ok).toBe(true);
  expect(await recordings.remove({ sessionId: 's1', recordingId: 'r' })).toMatchObject({ error: { kind: 'conflict' } });
  await first.end('stopped');
  await second.flush();
  at += 29 * dayMs;
  await recordings.sweep();
  expect(recordings.sessions()).toEqual(['s1', 's2']);
  at += 2 * dayMs;
  await recordings.sweep();
  expect(recordings.sessions()).toEqual(['s2']);
  expect(existsSync(join(root, 's1'))).toBe(false);
  expect(recordings.room('u1').ok).toBe(true);
  // The next runner finds no terminal that it could belong to.
  second.abandon();
  const next = await opened();
  await next.endLost();
  expect(next.list('s2')).toMatchObject([{ id: 'r', end: 'lost' }]);
  await next.drop('s2');
  expect([next.sessions(), existsSync(join(root, 's2'))]).toEqual([[], false]);
});
