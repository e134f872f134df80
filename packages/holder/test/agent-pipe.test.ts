import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestHolder } from './holder-fixture.ts';
import { collect, commandOf, errorKind, exitOf, marked, pipe, shell, startHolder, value } from './holder-fixture.ts';
import { Held } from '../src/held-process.ts';

let test: TestHolder;
beforeAll(async () => {
  test = await startHolder();
});
afterAll(() => test[Symbol.asyncDispose]());

describe('an agent on pipes', () => {
  it('HOLD3: a write with a token is done once, and its input ends only when asked', async () => {
    const { holder } = test;
    value(await holder.spawn('cat.1', pipe('cat; echo over; exit 4'), {}));
    const output = collect(holder, 'cat.1');
    for (const token of ['a', 'b', 'a', 'a']) value(await holder.write('cat.1', Buffer.from(`${token}\n`), token));
    value(await holder.write('cat.1', Buffer.from('c\n')));
    value(await holder.write('cat.1', Buffer.from('c\n')));
    const second = await test.connect();
    value(await second.write('cat.1', Buffer.from('a\n'), 'a'));
    second.close();
    await eventually('all came', () => output.text() === 'a\nb\nc\nc\n');
    value(await holder.closeInput('cat.1'));
    expect(await exitOf(holder, 'cat.1')).toMatchObject({ exitCode: 4, signal: null });
    await eventually('the end', () => output.ended);
    expect(output.text()).toBe('a\nb\nc\nc\nover\n');
    // Who asks again learns that it was done, also after the end.
    expect(errorKind(await holder.write('cat.1', Buffer.from('a\n'), 'a'))).toBe('ok');
    expect(errorKind(await holder.write('cat.1', Buffer.from('z\n'), 'z'))).toBe('exited');
  });

  it('HOLD3: a prompt with its images is one write: whole, once, and nothing in between', async () => {
    const { holder } = test;
    value(await holder.spawn('large.1', pipe('exec sha256sum'), {}));
    const prompt = Buffer.alloc(holder.maximumWriteBytes, 'image ');
    const [first, between, again] = [prompt, Buffer.from('+'), prompt].map((bytes, index) =>
      holder.write('large.1', bytes, index === 1 ? undefined : 'p'),
    );
    for (const written of [first, between, again]) expect((await written)?.ok).toBe(true);
    value(await holder.closeInput('large.1'));
    const said = collect(holder, 'large.1');
    await eventually('its sum', () => said.ended !== null);
    expect(said.text().split(' ')[0]).toBe(createHash('sha256').update(prompt).update('+').digest('hex'));
  });

  it('HOLD3: the last 4096 tokens are remembered', async () => {
    const { holder } = test;
    value(await holder.spawn('tokens.1', pipe('cat'), {}));
    const output = collect(holder, 'tokens.1');
    const write = async (token: number): Promise<void> =>
      void value(await holder.write('tokens.1', Buffer.from('x'), String(token)));
    for (let token = 0; token < 4_096; token++) await write(token);
    await write(0);
    await eventually('all came', () => output.bytes().length === 4_096);
    await write(4_096);
    await write(1);
    await write(0);
    await eventually('the forgotten one came again', () => output.bytes().length === 4_098);
    value(await holder.signal('tokens.1', 'SIGKILL'));
  });

  it('HOLD9: a program that has closed its input says so; one that does not read is bounded', async () => {
    const { holder } = test;
    value(await holder.spawn('closed.1', pipe('exec <&-; echo ready; exec sleep 1000'), {}));
    const output = collect(holder, 'closed.1');
    await eventually('ready', () => output.text() === 'ready\n');
    await eventually('closed', async () => errorKind(await holder.write('closed.1', Buffer.from('x'))) === 'exited');
    value(await holder.spawn('deaf.1', pipe('exec sleep 1000'), {}));
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => holder.write('deaf.1', Buffer.alloc(1024 * 1024))),
    );
    expect(answers.map(errorKind).slice(0, 7)).toEqual(Array(7).fill('ok'));
    expect(answers.map(errorKind).at(-1)).toBe('too_large');
    for (const id of ['closed.1', 'deaf.1']) value(await holder.signal(id, 'SIGTERM'));
    expect(await exitOf(holder, 'deaf.1')).toMatchObject({ signal: 'SIGTERM', exitCode: null });
    expect(errorKind(await holder.resize('deaf.1', 80, 24))).toBe('exited');
  });

  it('STREAM2: of what it complains about the newest 64 KiB are kept, and a reader is told what is gone', async () => {
    const { holder } = test;
    value(await holder.spawn('loud.1', pipe('head -c 1000000 /dev/zero >&2; printf END >&2; printf out'), {}));
    await exitOf(holder, 'loud.1');
    const complaints = collect(holder, 'loud.1', 'err');
    const output = collect(holder, 'loud.1', 'out');
    await eventually('both end', () => complaints.ended !== null && output.ended !== null);
    expect(complaints.gaps).toEqual([{ from: 0, to: 1_000_003 - 65_536 }]);
    expect(complaints.bytes().length).toBe(65_536);
    expect(complaints.text().endsWith('END')).toBe(true);
    expect(output.text()).toBe('out');
  });

  it('STREAM3: what it said is kept for a second reader after the first has read it, until released', async () => {
    const { holder } = test;
    const size = 8_000_000;
    value(await holder.spawn('kept.1', pipe(`head -c ${size} /dev/zero`), {}));
    const first = collect(holder, 'kept.1');
    await eventually('the end', () => first.ended);
    const second = await test.connect();
    const again = collect(second, 'kept.1');
    await eventually('the end', () => again.ended);
    expect(again.bytes().equals(first.bytes())).toBe(true);
    expect(again.ended).toBe(size);
    value(await second.release('kept.1', 'out', size));
    const third = collect(second, 'kept.1');
    await eventually('the end', () => third.ended);
    expect(third.gaps).toEqual([{ from: 0, to: size }]);
    second.close();
  });

  it('HOLD8: it sees no terminal of another, only its own pipes', async () => {
    const { holder } = test;
    for (const id of ['tty1.1', 'tty2.1']) value(await holder.spawn(id, shell('sleep 1000'), {}));
    value(await holder.spawn('look.1', pipe('ls -l /proc/$$/fd; tr "\\0" "\\n" < /proc/$$/environ'), {}));
    const output = collect(holder, 'look.1');
    await eventually('the end', () => output.ended);
    expect(output.text()).not.toContain('ptmx');
    const targets = [...output.text().matchAll(/ (\d+) -> (.*)/g)].map(([, descriptor, target]) => [
      descriptor,
      target,
    ]);
    expect(targets.filter(([descriptor]) => Number(descriptor) < 3).length).toBe(3);
    expect(targets.filter(([descriptor, target]) => Number(descriptor) >= 3 && target !== '/dev/null')).toEqual([]);
    for (const id of ['tty1.1', 'tty2.1']) value(await holder.signal(id, 'SIGKILL'));
  });

  it('HOLD10: SIGKILL reaches all an agent started', async () => {
    const { holder } = test;
    const script = 'setsid sleep 1001 & (setsid sh -c "sleep 1002; true" &); sleep 0.1; echo ready;';
    value(await holder.spawn('tools.1', pipe(`${script} sleep 1003; true`), {}));
    const output = collect(holder, 'tools.1');
    await eventually('ready', () => output.text() === 'ready\n' && marked('tools.1').length >= 5);
    value(await holder.signal('tools.1', 'SIGKILL'));
    await eventually('all are gone', () => marked('tools.1').length === 0);
  });

  it('HOLD14: what an agent left running is ended before its exit is told, wherever it went, and is named', async () => {
    const { holder } = test;
    using directory = temporaryDirectory();
    const asked = join(directory.path, 'asked');
    const polite = `trap 'echo asked > ${asked}; exit' TERM; echo on; while :; do sleep 0.05; done`;
    const script = `setsid sh -c "${polite}" & (setsid sh -c "sleep 1002; true" &); sleep 1003 & sleep 1000`;
    value(await holder.spawn('left.1', pipe(script), {}));
    const output = collect(holder, 'left.1');
    const wanted = ['sleep 1000', 'sleep 1002', 'sleep 1003'];
    await eventually('all run', () => {
      const commands = marked('left.1').map(commandOf);
      return output.text() === 'on\n' && wanted.every((command) => commands.includes(command));
    });
    const [agent] = value(await holder.list()).filter(({ id }) => id === 'left.1');
    let leftAtExit = -1;
    holder.onExit(({ id }) => id === 'left.1' && (leftAtExit = marked(id).length));
    process.kill(agent?.pid ?? 0, 'SIGKILL');
    const { leftovers = [], ...exit } = await exitOf(holder, 'left.1');
    expect(exit).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    expect(marked('left.1')).toEqual([]);
    await eventually('told', () => leftAtExit === 0);
    expect(readFileSync(asked, 'utf8')).toBe('asked\n');
    const commands = leftovers.map(({ command }) => command);
    for (const command of wanted) expect(commands).toContain(command);
    expect(new Set(leftovers.map(({ pid }) => pid)).size).toBe(leftovers.length);
  });

  it('HOLD14: what does not end when asked is made to, and one that leaves nothing says nothing', async () => {
    const { holder } = test;
    value(
      await holder.spawn(
        'deaf.2',
        pipe(`setsid sh -c 'trap "" TERM; echo on; sleep 1004; true' & read line; exit 3`),
        {},
      ),
    );
    const output = collect(holder, 'deaf.2');
    await eventually('it runs', () => output.text() === 'on\n');
    value(await holder.write('deaf.2', Buffer.from('go\n')));
    const { leftovers = [], exitCode } = await exitOf(holder, 'deaf.2');
    expect(exitCode).toBe(3);
    expect(leftovers.length).toBe(2);
    expect(marked('deaf.2')).toEqual([]);
    value(await holder.spawn('tidy.1', pipe('exit 0'), {}));
    expect(await exitOf(holder, 'tidy.1')).not.toHaveProperty('leftovers');
  });

  it('HOLD2: a background process that keeps its output open does not keep the exit from being told', async () => {
    const { holder } = test;
    value(await holder.spawn('leaves.1', pipe('sleep 1000 & head -c 300000 /dev/zero; exit 6'), {}));
    expect(await exitOf(holder, 'leaves.1')).toMatchObject({ exitCode: 6 });
    const [described] = value(await holder.list()).filter(({ id }) => id === 'leaves.1');
    expect(described?.streams.out).toEqual({ start: 0, end: 300_000, ended: true });
    value(await holder.signal('leaves.1', 'SIGKILL'));
  });
});

describe('an agent whose output nobody takes', () => {
  it('STREAM3: waits when memory and disk are full, goes on after a release, and loses nothing', async () => {
    using directory = temporaryDirectory();
    const last = 400_000;
    const spillDirectory = join(directory.path, 'held');
    let exited = false;
    const started = Held.start({
      id: 'waits.1',
      spec: pipe(`exec seq 1 ${last}`),
      meta: {},
      marker: 'test:waits.1',
      retention: {
        out: { memoryBytes: 100_000, diskBytes: 400_000, whenFull: 'wait' },
        err: { memoryBytes: 1_000, diskBytes: 0, whenFull: 'drop' },
      },
      spillDirectory,
      hidden: [],
      nothing: 0,
      spillFailed: (error) => {
        throw error;
      },
      exited: () => (exited = true),
    });
    const held = value(started);
    const stream = held.stream('out');
    await eventually('it waits', () => stream.full);
    expect(readdirSync(spillDirectory).length).toBe(1);
    // Time enough to say everything, for one who is not held up.
    await once(spawn('seq', ['1', String(last)], { stdio: ['ignore', 'ignore', 'ignore'] }), 'exit');
    await once(spawn('sh', ['-c', `seq 1 ${last} | wc`], { stdio: ['ignore', 'ignore', 'ignore'] }), 'exit');
    expect(exited).toBe(false);
    const parts: Uint8Array[] = [];
    let at = 0;
    let largest = 0;
    await eventually('all came', () => {
      largest = Math.max(largest, stream.end - stream.start);
      while (at < stream.end) {
        const bytes = stream.read(at, 65_536);
        if (bytes === null) throw new Error('lost');
        parts.push(Buffer.from(bytes));
        at += bytes.length;
      }
      held.release('out', at);
      return exited && at === stream.end;
    });
    const expected = Array.from({ length: last }, (_, index) => `${index + 1}\n`).join('');
    expect(Buffer.concat(parts).toString() === expected).toBe(true);
    // One read of the pipe beyond the bound, and one more at the exit.
    expect(largest).toBeLessThanOrEqual(500_000 + 2 * 65_536);
    expect(existsSync(spillDirectory)).toBe(false);
    held.dispose();
  });

  it('STREAM3: its exit is told only when what it said has been taken over', async () => {
    using directory = temporaryDirectory();
    let exited = false;
    const held = value(
      Held.start({
        id: 'last.1',
        spec: pipe('head -c 150000 /dev/zero'),
        meta: {},
        marker: 'test:last.1',
        retention: {
          out: { memoryBytes: 10_000, diskBytes: 20_000, whenFull: 'wait' },
          err: { memoryBytes: 1_000, diskBytes: 0, whenFull: 'drop' },
        },
        spillDirectory: join(directory.path, 'held'),
        hidden: [],
        nothing: 0,
        spillFailed: () => undefined,
        exited: () => (exited = true),
      }),
    );
    const stream = held.stream('out');
    await eventually('all came', () => {
      held.release('out', stream.end);
      return exited;
    });
    expect(stream.end).toBe(150_000);
    held.dispose();
  });
});
