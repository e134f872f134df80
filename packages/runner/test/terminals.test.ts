import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { limits } from '@holdfast/protocol/limits.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { startMachine, startTerminal } from './machine.ts';
import type { Machine } from './machine.ts';

const sessionId = 'terminal-1';

/** Types as one client: each text follows the one before. */
function typist(machine: Machine, inputId = 'keys') {
  let offset = 0;
  return (text: string): void => {
    const data = Buffer.from(text);
    machine.server.send({ type: 'input', sessionId, inputId, offset, data });
    offset += data.length;
  };
}

async function started(options?: Parameters<typeof startMachine>[0]) {
  const machine = await startMachine(options);
  const runner = await machine.run();
  await machine.server.carryOut(startTerminal(sessionId, machine.root));
  machine.server.send({ type: 'ttyOpen', sessionId, from: 0 });
  await eventually('the prompt', () => machine.server.output.includes('$ '));
  return { machine, server: machine.server, runner, type: typist(machine) };
}

describe('terminals', () => {
  it('TERM1: a shell echoes, runs in its workspace, and knows nothing of the server', async () => {
    const { machine, server, type } = await started({ environment: { npm_config_x: '1' } });
    await using _ = machine;
    expect(server.factsOf('session.started')).toEqual([{ generation: 1 }]);
    const line = 'pwd; env | sort; echo en""d\r';
    type(line);
    await eventually('the end', () => server.output.includes('\nend\r\n'));
    const output = server.output.toString();
    expect(output).toContain(`${machine.root}\r\n`);
    expect(output).toContain('TERM=xterm-256color\r\n');
    expect(output).toContain('COLORTERM=truecolor\r\n');
    // HOLDFAST_HELD is the holder's mark on what it started.
    expect(output.replaceAll('HOLDFAST_HELD', '')).not.toMatch(
      /HOLDFAST|DATABASE_URL|secret|npm_|NODE_|VITEST|node_modules\/\.bin/,
    );
    expect(server.of('inputAccepted').at(-1)).toMatchObject({ inputId: 'keys', offset: line.length });
  });

  it('TERM2: what a shell is resized to, and how it ends, with its last screen, is told and then forgotten', async () => {
    const { machine, server, type } = await started();
    await using _ = machine;
    const resized = await server.carryOut({ type: 'terminal.resize', sessionId, cols: 101, rows: 31 });
    expect(server.factsOf('terminal.resized')).toEqual([{ cols: 101, rows: 31 }]);
    server.deliver({ type: 'terminal.resize', sessionId, cols: 101, rows: 31 }, resized);
    await eventually('answered again', () => server.of('done').filter((d) => d.deliveryId === resized).length === 2);
    type('stty size; exit 7\r');
    await eventually('its end', () => server.factsOf('session.ended').length > 0);
    expect(server.factsOf('terminal.exited')).toEqual([{ exitCode: 7, signal: null }]);
    expect(server.factsOf('session.ended')).toEqual([{ reason: 'exited' }]);
    const last = server.reports.at(-1);
    expect(last?.position).toBe(server.output.length + 1);
    expect(last?.screen).toMatchObject({ offset: server.output.length, cols: 101, rows: 31 });
    expect(last?.screen?.text).toContain('31 101');
    await eventually('forgotten', async () => {
      const list = await machine.holder.list();
      return list.ok && list.value.length === 0;
    });
    expect(await server.ask({ type: 'screen', sessionId })).toMatchObject({ ok: false, error: { kind: 'not_found' } });
    type('late');
    await eventually('refused', () => server.of('inputRefused').at(-1)?.error.kind === 'session_ended');
  });

  it('TERM6: a shell that cannot start ends its session with a reason', async () => {
    const machine = await startMachine();
    await using _ = machine;
    await machine.run();
    const { server, root } = machine;
    const start = startTerminal(sessionId, root);
    if (start.type !== 'terminal.start') throw new Error('unreachable');
    await server.carryOut({ ...start, terminal: { shell: '/no/such/shell' } });
    await server.carryOut({ ...start, sessionId: 'b', terminal: { shell: 'nosuchshell' } });
    await server.carryOut({ ...start, sessionId: 'c', cwd: join(root, 'gone') });
    await server.carryOut({ ...start, sessionId: 'd', cwd: '/etc' });
    const errors = server.factsOf('session.failed').map(({ error }) => `${error.kind}: ${error.message}`);
    expect(errors[0]).toContain('/no/such/shell');
    expect(errors[1]).toContain('nosuchshell');
    expect(errors[2]).toContain('gone');
    expect(errors[3]).toContain('path_outside_roots');
    expect(await machine.holder.list()).toEqual({ ok: true, value: [] });
  });

  it('TERM4: a new runner goes on with the shell; TERM3: its screen is the same', async () => {
    const { machine, server, type } = await started();
    await using _ = machine;
    type('for i in $(seq 1 40000); do echo "line $i of a long list"; done; printf "\\e[32mgreen\\e[m\\n"\r');
    await eventually('all of it', () => server.output.includes('green\x1b[m'));
    await server.carryOut({ type: 'terminal.resize', sessionId, cols: 60, rows: 10 });
    type('echo after; stty size\r');
    await eventually('the size', () => server.output.includes('10 60\r\n'));
    await eventually('the prompt', () => server.output.toString().endsWith('\x1b[?2004h$ '));
    const before = await server.ask({ type: 'screen', sessionId });
    const end = server.output.length;
    await eventually('a checkpoint', () => existsSync(join(machine.dataDir, 'screens', `${sessionId}.1.json`)));

    server.messages.length = 0;
    await machine.run();
    expect(server.of('hello')[0]?.inventory).toEqual([{ sessionId, generation: 1, alive: true, turnId: null }]);
    server.send({ type: 'ttyOpen', sessionId, from: end });
    await eventually('output opens', () => server.of('ttyOpened').at(-1)?.first === end);
    expect(await server.ask({ type: 'screen', sessionId })).toEqual(before);
    // The client goes on in its input stream, of which this runner knows nothing.
    type('echo still-here\r');
    await eventually('the shell answers', () => server.output.includes('still-here\r\n'));
    expect(server.factsOf('session.started').length).toBe(1);
    expect(server.factsOf('terminal.resized').length).toBe(1);
  });

  it('TERM4: what a shell said and how it ended while no runner was there is told by the next', async () => {
    const { machine, server, runner, type } = await started();
    await using _ = machine;
    await runner.close();
    const screens = readdirSync(join(machine.dataDir, 'screens'));
    expect(screens).toEqual([`${sessionId}.1.json`]);
    expect(statSync(join(machine.dataDir, 'screens', screens[0] ?? '')).mode & 0o777).toBe(0o600);
    type('lost, there is no link');
    await machine.holder.write(`${sessionId}.1`, Buffer.from('echo goodbye; kill -9 $$\r'));
    await eventually('it has ended', async () => {
      const list = await machine.holder.list();
      return list.ok && list.value[0]?.exit;
    });
    await machine.run();
    await eventually('its end', () => server.factsOf('session.ended').length > 0);
    expect(server.factsOf('terminal.exited')).toEqual([{ exitCode: null, signal: 'SIGKILL' }]);
    expect(server.reports.at(-1)?.screen?.text).toContain('\ngoodbye');
    await eventually('cleared away', () => readdirSync(join(machine.dataDir, 'screens')).length === 0);
  });

  it('LINK4: keys sent twice, again after a new link, and out of order arrive once and in order', async () => {
    const { machine, server, runner } = await started();
    await using _ = machine;
    const random = seededRandom(7);
    const text = Buffer.from(`cat <<'E' | md5sum\r${'0123456789 abcdefghij\r'.repeat(60)}E\r`);
    const answers = (): number => server.of('inputAccepted').length + server.of('inputRefused').length;
    let accepted = 0;
    for (let round = 0; accepted < text.length; round += 1) {
      if (round % 10 === 9) {
        server.unlink();
        runner.connect(server.link());
      }
      const before = answers();
      const from = Math.max(0, accepted - random.integer(30));
      const pieces = [from, from + 5, from + 2, from + 20, from];
      for (const offset of pieces) {
        const data = text.subarray(offset, offset + 1 + random.integer(12));
        if (data.length > 0) server.send({ type: 'input', sessionId, inputId: 'pages', offset, data });
      }
      await eventually('an answer', () => {
        accepted = Math.max(accepted, ...server.of('inputAccepted').map(({ offset }) => offset));
        return answers() > before;
      });
    }
    const { createHash } = await import('node:crypto');
    const sum = createHash('md5').update('0123456789 abcdefghij\n'.repeat(60)).digest('hex');
    await eventually('the sum', async () => (await server.text(sessionId)).includes(sum));
    expect(server.of('inputRefused').every(({ error }) => error.kind === 'conflict')).toBe(true);
  });

  it('LINK4: after a new runner nothing is skipped and nothing typed twice, whatever reached the earlier one', async () => {
    const { machine, server } = await started();
    await using _ = machine;
    const text = Buffer.from(`echo one; echo two; echo three\r`);
    const send = (inputId: string, offset: number, end: number): void =>
      server.send({ type: 'input', sessionId, inputId, offset, data: text.subarray(offset, end) });
    const accepted = (inputId: string): number[] =>
      server.of('inputAccepted').flatMap((message) => (message.inputId === inputId ? [message.offset] : []));
    const refused = (inputId: string): unknown[] =>
      server.of('inputRefused').flatMap(({ error, ...of }) => (of.inputId === inputId ? [error.details] : []));
    // Its first block was refused at the door; the second is the first thing a new runner hears of it.
    await machine.run();
    send('refused', 9, 15);
    await eventually('told what is missing', () => refused('refused').length === 1);
    expect(refused('refused')).toEqual([{ accepted: 0 }]);
    expect(accepted('refused')).toEqual([]);
    // An earlier runner has typed the beginning, and nobody heard of it.
    send('known', 0, 10);
    await eventually('typed', () => accepted('known').includes(10));
    await machine.run();
    send('known', 25, 30);
    await eventually('told where it is', () => refused('known').length === 1);
    expect(refused('known')).toEqual([{ accepted: 10 }]);
    send('known', 4, text.length);
    await eventually('all typed', () => accepted('known').includes(text.length));
    await machine.run();
    send('known', 0, text.length);
    await eventually('known to be typed', () => accepted('known').filter((end) => end === text.length).length === 2);
    await eventually('carried out', async () => (await server.text(sessionId)).includes('\nthree\n$'));
    const screen = await server.text(sessionId);
    expect(screen.split('\n').filter((line) => line.includes('echo'))).toEqual(['$ echo one; echo two; echo three']);
    expect(screen.split('\n').filter((line) => line === 'three').length).toBe(1);
  });

  it('LINK2: text of a delivery is written once, however often it comes, and after what came before it', async () => {
    const { machine, server } = await started();
    await using _ = machine;
    const first = server.deliver({ type: 'terminal.write', sessionId, data: 'X=${X}' });
    const second = server.deliver({ type: 'terminal.write', sessionId, data: 'a; echo "<$X>"\r' });
    server.deliver({ type: 'terminal.write', sessionId, data: 'X=${X}' }, first);
    await eventually('both', () => server.isDone(first) && server.isDone(second));
    await machine.run();
    server.deliver({ type: 'terminal.write', sessionId, data: 'X=${X}' }, first);
    server.deliver({ type: 'terminal.write', sessionId, data: 'a; echo "<$X>"\r' }, second);
    server.deliver(startTerminal(sessionId, machine.root), 1);
    await eventually('done again', () => server.of('done').filter(({ deliveryId }) => deliveryId === 1).length === 2);
    await eventually('the text', async () => (await server.text(sessionId)).includes('<a>'));
    expect(await server.text(sessionId)).not.toContain('<aa>');
    expect(server.factsOf('session.started').length).toBe(1);
  });

  it('LINK2: a failure that only a report tells of is done when the report is stored', async () => {
    const machine = await startMachine();
    await using _ = machine;
    const { server, root } = machine;
    const runner = await machine.run();
    server.storing = false;
    const start = startTerminal(sessionId, root);
    const delivery = server.deliver({ ...start, cwd: join(root, 'none') } as typeof start);
    await eventually('the report', () => server.of('report').length === 1);
    expect(server.isDone(delivery)).toBe(false);
    server.unlink();
    server.storing = true;
    runner.connect(server.link());
    await eventually('done', () => server.isDone(delivery));
    expect(server.factsOf('session.failed').length).toBe(1);
  });

  it('STREAM4: a flood and a slow server: what is on its way is bounded, and the last screen is right', async () => {
    const { machine, server, type } = await started();
    await using _ = machine;
    server.taking = false;
    const start = server.output.length;
    const memory = process.memoryUsage().rss;
    type('seq -f "%020.0f a line of a flood of output" 1 400000; echo the last; exit 3\r');
    await eventually('the end', () => server.factsOf('terminal.exited').length > 0, 60_000);
    expect(server.output.length - start).toBeLessThanOrEqual(limits.creditFloor);
    expect(process.memoryUsage().rss - memory).toBeLessThan(150 * 1024 * 1024);
    const report = server.reports.at(-1);
    expect(report?.position).toBeGreaterThan(19_000_000);
    const lines = report?.screen?.text.split('\n') ?? [];
    expect(lines.slice(-3)).toEqual(
      [
        '00000000000000399999 a line of a flood of output',
        '00000000000000400000 a line of a flood of output',
        'the last',
      ]
        .concat(lines.at(-1) === 'exit' ? ['exit'] : [])
        .slice(-3),
    );
  }, 90_000);

  it('STREAM1: output is told from any offset that is kept', async () => {
    const { machine, server, type } = await started();
    await using _ = machine;
    type('echo some output\r');
    await eventually('output', () => server.output.includes('\rsome output'));
    const at = server.output.indexOf('\rsome') + 1;
    const answer = await server.ask({ type: 'output', sessionId, from: at });
    if (!answer.ok) throw new Error(answer.error.message);
    expect(answer.value.offset).toBe(at);
    expect(Buffer.from(answer.value.data).toString()).toMatch(/^some output\r\n/);
    expect(await server.ask({ type: 'output', sessionId, from: 10_000_000 })).toMatchObject({
      value: { offset: server.output.length },
    });
    const other = server.output.length;
    server.send({ type: 'ttyOpen', sessionId, from: at });
    await eventually('again from there', () => server.outputStart === at && server.output.length === other - at);
  });

  it('TERM3: a full-screen program comes and goes on the screen', async () => {
    const { machine, server, type } = await started();
    await using _ = machine;
    type('echo before vim; vim -u NONE -N\r');
    await eventually('vim', async () => /^~$/m.test(await server.text(sessionId)));
    type('ihello from vim\x1b');
    await eventually('the text', async () => (await server.text(sessionId)).startsWith('hello from vim'));
    await machine.run();
    expect(await server.text(sessionId)).toMatch(/^hello from vim\n~/);
    type(':q!\r');
    await eventually('the shell', async () => /before vim\n\$$/.test(await server.text(sessionId)));
  });

  it('TERM2: a shell that ignores its hang-up is ended by force, also by the next runner', async () => {
    const { machine, server, type } = await started({ stopPatience: 300 });
    await using _ = machine;
    type("trap '' HUP TERM; echo rea''dy; while :; do read -t 9; done\r");
    await eventually('ready', () => server.output.includes('\rready'));
    await server.carryOut({ type: 'session.stop', sessionId });
    await machine.run();
    await eventually('its end', () => server.factsOf('session.ended').length > 0);
    expect(server.factsOf('terminal.exited')).toEqual([{ exitCode: null, signal: 'SIGKILL' }]);
    expect(server.factsOf('session.ended')).toEqual([{ reason: 'stopped' }]);
  });

  it('LINK3: a session the server does not know is ended and told to nobody', async () => {
    const { machine, server } = await started();
    await using _ = machine;
    server.send({ type: 'abandon', sessionId });
    await eventually('gone', async () => {
      const list = await machine.holder.list();
      return list.ok && list.value.length === 0;
    });
    expect(server.factsOf('session.ended')).toEqual([]);
  });

  it('WIRE1: a malformed message harms nothing', async () => {
    const { machine, server, type } = await started();
    await using _ = machine;
    const garbage: unknown[] = [
      {},
      { type: 'deliver' },
      { type: 'ask', requestId: '!', question: 1 },
      { type: 'nothing' },
    ];
    for (const message of garbage) server.send(message as never);
    type('echo fi""ne\r');
    await eventually('it lives', () => server.output.includes('\rfine'));
  });

  it('AUTH7: the question for a workspace answers its resolved path or why not', async () => {
    const machine = await startMachine();
    await using _ = machine;
    await machine.run();
    expect(await machine.server.ask({ type: 'workspace', path: 'a' })).toEqual({
      ok: true,
      value: { path: join(machine.root, 'a') },
    });
    expect(await machine.server.ask({ type: 'workspace', path: '../b' })).toMatchObject({
      ok: false,
      error: { kind: 'path_outside_roots' },
    });
  });
});
