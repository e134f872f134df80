import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestHolder } from './holder-fixture.ts';
import {
  collect,
  errorKind,
  exitOf,
  isAlive,
  marked,
  shell,
  shellEnvironment,
  startHolder,
  value,
} from './holder-fixture.ts';

let test: TestHolder;
beforeAll(async () => {
  test = await startHolder();
});
afterAll(() => test[Symbol.asyncDispose]());

let count = 0;
const nextId = (): string => `terminal${(count += 1)}.1`;

async function start(script: string): Promise<{ id: string; pid: number; output: ReturnType<typeof collect> }> {
  const id = nextId();
  const { pid } = value(await test.holder.spawn(id, shell(script), {}));
  return { id, pid, output: collect(test.holder, id) };
}

function descriptors(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).map((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      return 'closed';
    }
  });
}

describe('a terminal', () => {
  it('TERM4: is written to, resized, listed with its notes, and tells its exit code', async () => {
    const { holder } = test;
    const id = nextId();
    const spawned = value(
      await holder.spawn(id, shell('stty size; read line; echo "got $line"; stty size; exit 3'), { a: [1] }),
    );
    expect(spawned).toMatchObject({ id, kind: 'pty', meta: { a: [1] }, size: { cols: 80, rows: 24 }, exit: null });
    const output = collect(holder, id);
    await eventually('the first size', () => output.text().includes('24 80'));
    value(await holder.resize(id, 133, 41));
    value(await holder.setMeta(id, { a: 2 }));
    value(await holder.write(id, Buffer.from('hällo\n')));
    expect(await exitOf(holder, id)).toMatchObject({ exitCode: 3, signal: null });
    await eventually('the end', () => output.ended);
    expect(output.text()).toContain('got hällo');
    expect(output.text()).toContain('41 133');
    const listed = value(await holder.list()).find((process) => process.id === id);
    expect(listed).toMatchObject({ meta: { a: 2 }, size: { cols: 133, rows: 41 } });
    expect(listed?.streams.out).toEqual({ start: 0, end: output.ended, ended: true });
    value(await holder.forget(id));
    expect(value(await holder.list()).some((process) => process.id === id)).toBe(false);
  });

  it('HOLD1: a signal reaches the program in front, and the exit names it', async () => {
    const caught = await start('trap "echo caught; exit 7" INT; echo ready; while :; do read -t 0.05 x; done');
    await eventually('ready', () => caught.output.text().includes('ready'));
    value(await test.holder.signal(caught.id, 'SIGINT'));
    expect(await exitOf(test.holder, caught.id)).toMatchObject({ exitCode: 7 });

    const job = await start(
      `set -m; sh -c 'trap "exit 9" INT; echo ready; while :; do sleep 0.05; done'; echo "status $?"; sleep 1000`,
    );
    await eventually('ready', () => job.output.text().includes('ready'));
    value(await test.holder.signal(job.id, 'SIGINT'));
    await eventually('the job was interrupted', () => job.output.text().includes('status 9'));
    value(await test.holder.signal(job.id, 'SIGKILL'));
    expect(await exitOf(test.holder, job.id)).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    expect(errorKind(await test.holder.signal(job.id, 'SIGTERM'))).toBe('exited');
    expect(errorKind(await test.holder.write(job.id, Buffer.from('x')))).toBe('exited');
    expect(errorKind(await test.holder.resize(job.id, 1, 1))).toBe('exited');
  });

  it('HOLD10: SIGKILL reaches all groups of a shell, and leaves what was made to stay', async () => {
    const { id, pid, output } = await start(
      'set -m; sleep 1001 & (sh -c "sleep 1002; true" &); setsid -f sleep 1003; echo ready; wait',
    );
    await eventually('ready', () => output.text().includes('ready'));
    await eventually('all run', () => marked(id).length >= 5);
    expect(marked(id)).toContain(pid);
    value(await test.holder.signal(id, 'SIGKILL'));
    await eventually('its session is gone', () => marked(id).length === 1);
    expect(readFileSync(`/proc/${marked(id)[0]}/cmdline`, 'latin1')).toBe('sleep\x001003\x00');
    for (const daemon of marked(id)) process.kill(daemon, 'SIGKILL');
  });

  it('HOLD14: what a person left running in the background outlives the shell', async () => {
    const { id, pid, output } = await start('nohup sleep 1005 > /dev/null 2>&1 & echo ready; read line');
    await eventually('ready', () => output.text().includes('ready') && marked(id).length === 2);
    value(await test.holder.write(id, Buffer.from('go\n')));
    const exit = await exitOf(test.holder, id);
    expect(exit).not.toHaveProperty('leftovers');
    expect(marked(id).length).toBe(1);
    expect(marked(id)).not.toContain(pid);
    for (const left of marked(id)) process.kill(left, 'SIGKILL');
  });

  it('HOLD8: its environment is what was given, and it has no descriptor of anybody else', async () => {
    const other = await start('sleep 1000');
    const id = nextId();
    const spec = {
      ...shell(''),
      file: 'sh',
      args: ['-c', 'tr "\\0" "\\n" < /proc/$$/environ; ls -1 /proc/$$/fd'],
    };
    value(await test.holder.spawn(id, spec, {}));
    const output = collect(test.holder, id);
    await eventually('the end', () => output.ended);
    const lines = output.text().trim().split('\r\n');
    const given = Object.entries(shellEnvironment).map(([name, entry]) => `${name}=${entry}`);
    expect(lines.filter((line) => line.includes('=') && !line.startsWith('HOLDFAST_HELD='))).toEqual(given);
    expect(lines.filter((line) => line.startsWith('HOLDFAST_HELD=')).length).toBe(1);
    expect(lines.filter((line) => !line.includes('='))).toEqual(['0', '1', '2']);
    value(await test.holder.signal(other.id, 'SIGKILL'));
  });

  it('TERM6: what cannot start is spawn_failed, with the reason', async () => {
    const { holder } = test;
    writeFileSync(join(test.directory, 'plain'), 'x');
    const failures: [object, RegExp][] = [
      [{ file: 'no-such-program' }, /not in PATH/],
      [{ file: '/no/such/program' }, /ENOENT/],
      [{ file: join(test.directory, 'plain') }, /EACCES/],
      [{ file: '/tmp' }, /not a file/],
      [{ cwd: '/no/such/place' }, /ENOENT/],
      [{ cwd: '/etc/passwd' }, /not a directory/],
    ];
    for (const [change, why] of failures) {
      for (const kind of ['pty', 'pipe'] as const) {
        const result = await holder.spawn(nextId(), { ...shell('true'), kind, ...change }, {});
        expect(errorKind(result)).toBe('spawn_failed');
        expect(result.ok ? '' : result.error.message).toMatch(why);
      }
    }
  });

  it('WIRE1: ids that are taken, unknown, alive or malformed are told apart', async () => {
    const { holder } = test;
    const { id } = await start('sleep 1000');
    expect(errorKind(await holder.spawn(id, shell('true'), {}))).toBe('exists');
    expect(errorKind(await holder.spawn('../up', shell('true'), {}))).toBe('bad_request');
    expect(errorKind(await holder.spawn('big.1', shell('true'), { note: 'x'.repeat(70_000) }))).toBe('too_large');
    expect(errorKind(await holder.forget(id))).toBe('bad_request');
    expect(errorKind(await holder.forget('nobody.1'))).toBe('not_found');
    expect(errorKind(await holder.write('nobody.1', Buffer.from('x')))).toBe('not_found');
    const unreadable = collect(holder, 'nobody.1');
    await eventually('told', () => unreadable.unreadable);
    value(await holder.signal(id, 'SIGKILL'));
  });

  it('HOLD2: none of 30 short-lived programs loses its last words', async () => {
    const size = 200_000;
    const exits = new Map<string, number>();
    const unheard = test.holder.onExit(({ id, streams }) => exits.set(id, streams.out.end));
    const ids: string[] = [];
    for (let round = 0; round < 30; round++) {
      const id = nextId();
      ids.push(id);
      value(await test.holder.spawn(id, shell(`stty -opost; head -c ${size} /dev/zero | tr '\\0' x; printf END`), {}));
      if (round % 5 === 4) await eventually('five ended', () => ids.every((each) => exits.has(each)));
    }
    unheard();
    for (const id of ids) {
      expect(exits.get(id)).toBe(size + 3);
      const output = collect(test.holder, id, 'out', size);
      await eventually('the end', () => output.ended);
      expect(output.text()).toBe('END');
      value(await test.holder.forget(id));
    }
  });

  it('HOLD2: last words are kept when the holder itself stood still meanwhile', async () => {
    const { id, pid, output } = await start(
      'stty -opost; echo ready; read line; sleep 0.1; head -c 3000 /dev/zero; printf END',
    );
    await eventually('ready', () => output.text().includes('ready'));
    value(await test.holder.write(id, Buffer.from('\n')));
    process.kill(test.holder.pid, 'SIGSTOP');
    try {
      await eventually('it has ended', () => !isAlive(pid));
    } finally {
      process.kill(test.holder.pid, 'SIGCONT');
    }
    expect(await exitOf(test.holder, id)).toMatchObject({ exitCode: 0 });
    await eventually('the end', () => output.ended);
    expect(output.bytes().filter((byte) => byte === 0).length).toBe(3_000);
    expect(output.text().endsWith('END')).toBe(true);
  });

  it('HOLD2: a background process that keeps the terminal open does not keep the exit from being told', async () => {
    const { id, output } = await start('trap "" HUP; sleep 1000 & echo last; exit 5');
    expect(await exitOf(test.holder, id)).toMatchObject({ exitCode: 5 });
    await eventually('the end', () => output.ended);
    expect(output.text()).toContain('last');
    value(await test.holder.signal(id, 'SIGKILL'));
  });

  it('STREAM1: 20 MB that nobody reads arrive exactly, through disk and after release', async () => {
    const { holder } = test;
    const file = join(test.directory, 'random');
    const content = randomBytes(20_000_000);
    writeFileSync(file, content);
    const id = nextId();
    value(await holder.spawn(id, shell(`stty raw -echo; cat ${file}`), {}));
    expect(await exitOf(holder, id)).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(test.directory, 'held', id))).toBe(true);
    const output = collect(holder, id);
    await eventually('the end', () => output.ended);
    expect(output.gaps).toEqual([]);
    expect(output.bytes().equals(content)).toBe(true);
    value(await holder.release(id, 'out', 19_900_000));
    expect(existsSync(join(test.directory, 'held', id))).toBe(false);
    const late = collect(holder, id);
    await eventually('the end', () => late.ended);
    expect(late.gaps).toEqual([{ from: 0, to: 19_900_000 }]);
    expect(late.bytes().equals(content.subarray(19_900_000))).toBe(true);
    value(await holder.forget(id));
  });

  it('HOLD5: a flood that nobody reads is slowed, not stopped, and loses nothing at its end', async () => {
    const id = nextId();
    const size = 36 * 1024 * 1024;
    value(await test.holder.spawn(id, shell(`stty raw; head -c ${size} /dev/zero`), {}));
    expect(await exitOf(test.holder, id)).toMatchObject({ exitCode: 0 });
    const listed = value(await test.holder.list()).find((process) => process.id === id);
    expect(listed?.streams.out).toEqual({ start: 0, end: size, ended: true });
    value(await test.holder.forget(id));
  });

  it('HOLD9: input that a program does not read holds up nobody and is bounded', async () => {
    const { holder } = test;
    const deaf = await start('stty raw -echo; echo ready; exec sleep 1000');
    await eventually('ready', () => deaf.output.text().includes('ready'));
    const megabyte = Buffer.alloc(1024 * 1024, 'x');
    value(await holder.write(deaf.id, megabyte));
    const other = await start('stty raw -echo; echo ready; exec cat');
    await eventually('ready', () => other.output.text().includes('ready'));
    value(await holder.write(other.id, Buffer.from('hello')));
    await eventually('an echo', () => other.output.text().includes('hello'), 1_000);
    const answers = await Promise.all(Array.from({ length: 8 }, () => holder.write(deaf.id, megabyte)));
    expect(answers.map(errorKind).at(-1)).toBe('too_large');
    expect(errorKind(await holder.write(deaf.id, Buffer.alloc(holder.maximumWriteBytes + 1)))).toBe('too_large');
    for (const { id } of [deaf, other]) value(await holder.signal(id, 'SIGKILL'));
  });

  it('HOLD9: a large input arrives whole and in order once the program reads', async () => {
    const { holder } = test;
    const size = 3_000_000;
    const { id, output } = await start(
      `stty raw -echo; echo ready; sleep 0.3; head -c ${size} | sha256sum; sleep 1000`,
    );
    await eventually('ready', () => output.text().includes('ready'));
    const content = randomBytes(size);
    for (let at = 0; at < size; at += 1_000_000) value(await holder.write(id, content.subarray(at, at + 1_000_000)));
    const hash = createHash('sha256').update(content).digest('hex');
    await eventually('the hash', () => output.text().includes(hash));
    value(await holder.signal(id, 'SIGKILL'));
  });

  it('STREAM5: readers have their own pace: one that does not go on gets its credit, the other everything', async () => {
    const { holder } = test;
    const id = nextId();
    value(await holder.spawn(id, shell('stty -opost; head -c 5000000 /dev/zero'), {}));
    const slow: number[] = [];
    const stuck = new Promise<void>(() => undefined);
    const reading = holder.read(id, 'out', 0, {
      data: (_, bytes) => {
        slow.push(bytes.length);
        return stuck;
      },
      gap: () => undefined,
      end: () => undefined,
    });
    const fast = collect(holder, id);
    await eventually('the fast one has all', () => fast.ended);
    expect(fast.ended).toBe(5_000_000);
    expect(slow.length).toBe(1);
    reading.close();
  });

  it('HOLD8: 100 terminals come and go and leave no descriptor behind', async () => {
    const { holder } = test;
    const before = descriptors(holder.pid).length;
    const ids = Array.from({ length: 100 }, nextId);
    await Promise.all(ids.map(async (id) => value(await holder.spawn(id, shell('read line'), {}))));
    expect(descriptors(holder.pid).filter((each) => each === '/dev/ptmx').length).toBeGreaterThanOrEqual(100);
    await Promise.all(ids.map(async (id) => value(await holder.write(id, Buffer.from('\n')))));
    for (const id of ids) await exitOf(holder, id);
    await Promise.all(ids.map(async (id) => value(await holder.forget(id))));
    await eventually('all closed', () => descriptors(holder.pid).length <= before);
  });
});
