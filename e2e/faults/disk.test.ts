/** A disk that is full or read-only, a database that is locked, a clock that jumps: nothing is claimed that is not true. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { type Installation, install } from '../support/program.ts';
import { expectSoundLog } from '../support/sound-log.ts';
import { alive, serverPid } from './support/measure.ts';
import { mountSmallDisk } from './support/small-disk.ts';

interface Answered {
  readonly status: number;
  readonly kind: string | null;
}

/** message.send with an id of ours, as any HTTP client would. */
async function send(holdfast: Installation, key: string, sessionId: string, id: string): Promise<Answered> {
  const answer = await fetch(`${holdfast.origin}/api/sessions/${sessionId}/commands`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ id, type: 'message.send', text: `ls ${id} ${'.'.repeat(2_000)}` }),
  });
  const body = (await answer.json()) as { error?: { kind: string } };
  return { status: answer.status, kind: body.error?.kind ?? null };
}

const idsIn = async (api: Api, sessionId: string): Promise<string[]> =>
  (await api.log(sessionId)).flatMap((fact) => (fact.type === 'message.user' ? [fact.data.messageId] : []));

const quiet = (api: Api, sessionId: string): Promise<true> =>
  eventually(
    'all turns ended',
    async () => {
      const { agent } = await api.session(sessionId);
      return agent?.turn === null && agent.queueLength === 0;
    },
    60_000,
  );

const disk = mountSmallDisk(24);

describe.skipIf(disk === null)('on a small disk (skipped where a tmpfs cannot be mounted: run as root)', () => {
  let holdfast: Installation;
  let api: Api;
  let sessionId: string;

  beforeAll(async () => {
    holdfast = await install({ model: false, environment: { HOLDFAST_DATA_DIR: join(disk?.path ?? '', 'data') } });
    await holdfast.start();
    api = await Api.open(holdfast);
    const workspaceId = await api.workspace('w');
    sessionId = await api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo', mode: 'agent' } });
  });
  afterAll(async () => {
    await holdfast.dispose();
    disk?.[Symbol.dispose]();
  });

  it('OPS6, LOG10: a full disk refuses as unavailable, keeps nothing of what it refused, and is cured without a restart', async () => {
    const pid = serverPid(holdfast);
    const acknowledged: string[] = [];
    const refused: string[] = [];
    disk?.fill();
    for (let count = 0; refused.length < 5; count += 1) {
      const id = `full-${count}`;
      const { status, kind } = await send(holdfast, api.key, sessionId, id);
      if (status === 202) {
        acknowledged.push(id);
      } else if (kind !== 'quota_exceeded') {
        // Room that the database had for itself may still take a few.
        expect({ status, kind }).toEqual({ status: 503, kind: 'unavailable' });
        refused.push(id);
      }
      expect(count).toBeLessThan(2_000);
    }
    const during = await idsIn(api, sessionId);
    expect(during).toEqual(acknowledged);
    disk?.free();
    await eventually('ready again', () => alive(holdfast));
    for (const id of refused) {
      await eventually('stored', async () => (await send(holdfast, api.key, sessionId, id)).status === 202);
      // The same id once more: the same message.
      expect((await send(holdfast, api.key, sessionId, id)).status).toBe(202);
    }
    expect(serverPid(holdfast)).toBe(pid);
    await quiet(api, sessionId);
    const sent = [...acknowledged, ...refused];
    expect(await idsIn(api, sessionId)).toEqual(sent);
    await holdfast.kill();
    await holdfast.start();
    expect(await idsIn(api, sessionId)).toEqual(sent);
    expectSoundLog(await api.log(sessionId));
    process.stdout.write(`\nfull disk: ${acknowledged.length} still stored, ${refused.length} refused\n`);
  });

  it('OPS6: a database locked by another program refuses as unavailable and goes on once it is let go', async () => {
    const before = await idsIn(api, sessionId);
    const other = new DatabaseSync(join(disk?.path ?? '', 'data/holdfast.db'));
    other.exec('BEGIN IMMEDIATE');
    try {
      expect(await send(holdfast, api.key, sessionId, 'locked')).toEqual({ status: 503, kind: 'unavailable' });
    } finally {
      other.exec('ROLLBACK');
      other.close();
    }
    await eventually('stored', async () => (await send(holdfast, api.key, sessionId, 'locked')).status === 202);
    await quiet(api, sessionId);
    expect(await idsIn(api, sessionId)).toEqual([...before, 'locked']);
  });

  it('OPS3: on a read-only disk the server says so and does not start; afterwards everything is there', async () => {
    const before = await api.log(sessionId);
    expect((await holdfast.run('stop', '--all')).code).toBe(0);
    await eventually('nobody writes any more', () => {
      disk?.setReadOnly(true);
      return true;
    });
    const refused = await holdfast.run('serve');
    disk?.setReadOnly(false);
    expect(refused.code).toBeGreaterThan(0);
    expect(refused.stderr).toMatch(/data directory|read-only|EROFS|cannot be used/i);
    expect(refused.stderr).not.toMatch(/\n\s+at /);
    await holdfast.start();
    expect((await api.log(sessionId)).slice(0, before.length)).toEqual(before);
    expect((await send(holdfast, api.key, sessionId, 'again')).status).toBe(202);
  });
});

it('LOG1, LOG12: a wall clock that jumps a day on and an hour back orders nothing and ends nothing', async () => {
  using directory = temporaryDirectory();
  const clock = join(directory.path, 'clock');
  const jump = (seconds: number): void => writeFileSync(clock, String(seconds));
  jump(0);
  const preload = fileURLToPath(new URL('./support/jumping-clock.ts', import.meta.url));
  const holdfast = await install({
    model: false,
    environment: { NODE_OPTIONS: `--import ${preload}`, TEST_WALL_CLOCK: clock },
  });
  try {
    await holdfast.start();
    const api = await Api.open(holdfast);
    const workspaceId = await api.workspace('w');
    const sessions: string[] = [];
    const sent: string[] = [];
    for (const seconds of [0, 86_400, -3_600, 30 * 86_400, 0]) {
      jump(seconds);
      sessions.push(
        await api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo', mode: 'agent', prompt: 'ls' } }),
      );
      const id = `at-${sent.length}`;
      expect((await send(holdfast, api.key, sessions[0] ?? '', id)).status).toBe(202);
      sent.push(id);
      for (const session of sessions) await quiet(api, session);
    }
    const log = await api.log(sessions[0] ?? '');
    expectSoundLog(log);
    expect((await idsIn(api, sessions[0] ?? '')).slice(1)).toEqual(sent);
    // The jumps were real: the log's times go back and forth, its order does not.
    const times = log.map((fact) => fact.at);
    expect(times).not.toEqual(times.toSorted());
    await holdfast.kill();
    await holdfast.start();
    expect(await api.log(sessions[0] ?? '')).toEqual(log);
    expect(await listed(holdfast, api.key)).toEqual(new Set(sessions));
  } finally {
    await holdfast.dispose();
  }
});

/** All sessions, page by page; each once. */
async function listed(holdfast: Installation, key: string): Promise<Set<string>> {
  const ids: string[] = [];
  for (let cursor = ''; ;) {
    const answer = await fetch(`${holdfast.origin}/api/sessions?limit=2${cursor}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    const page = (await answer.json()) as { sessions: { id: string }[]; nextCursor?: string };
    ids.push(...page.sessions.map((session) => session.id));
    if (page.nextCursor === undefined) break;
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
  expect(ids).toEqual([...new Set(ids)]);
  return new Set(ids);
}
