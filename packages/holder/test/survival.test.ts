import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { expect, it } from 'vitest';
import { connectHolder } from '../src/client.ts';
import { exitCodes, holderFiles } from '../src/holder-files.ts';
import { ensureHolder } from '../src/launch.ts';
import { encodeJson, encodeWrite } from '../src/wire.ts';
import { collect, errorKind, exitOf, isAlive, pipe, shell, startHolder, value } from './holder-fixture.ts';

const mainProgram = fileURLToPath(new URL('../src/main.ts', import.meta.url));

it('HOLD1: a client killed in the middle costs nothing: the next one reads on exactly', async () => {
  using temporary = temporaryDirectory();
  const directory = join(temporary.path, 'data');
  const client = fork(fileURLToPath(new URL('attached-client.ts', import.meta.url)), [directory]);
  let read = 0;
  let holderPid = 0;
  client.on('message', (message: { pid?: number; offset?: number }) => {
    holderPid = message.pid ?? holderPid;
    read = message.offset ?? read;
  });
  await eventually('the client reads', () => read > 1_000);
  client.kill('SIGKILL');
  await once(client, 'exit');
  const seen = read;
  expect(isAlive(holderPid)).toBe(true);

  const holder = value(await ensureHolder({ dataDir: directory }));
  expect(holder.pid).toBe(holderPid);
  const listed = value(await holder.list());
  expect(listed.map(({ id, exit }) => [id, exit])).toEqual([
    ['prints.1', null],
    ['agent.1', null],
  ]);
  expect(listed[1]?.meta).toEqual({ turn: 't1' });
  const rest = collect(holder, 'prints.1', 'out', seen);
  await eventually('it goes on', () => rest.bytes().length > 1_000);
  value(await holder.signal('prints.1', 'SIGKILL'));
  await eventually('the end', () => rest.ended);
  const whole = collect(holder, 'prints.1');
  await eventually('the end', () => whole.ended);
  expect(whole.bytes().subarray(seen).equals(rest.bytes())).toBe(true);
  const lines = whole.text().split('\r\n').slice(0, -1);
  expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`));

  value(await holder.write('agent.1', Buffer.from('you\n'), 'w1'));
  const agent = collect(holder, 'agent.1');
  await eventually('the agent answers', () => agent.text() === 'heard you\n');
  value(await holder.shutdown());
  await eventually('the holder ended', () => !isAlive(holderPid));
});

it('HOLD1: it is in a session of its own, in its own directory, and stays when its terminal and launcher go', async () => {
  await using test = await startHolder();
  const stat = readFileSync(`/proc/${test.holder.pid}/stat`, 'utf8');
  const [, , group, session, terminal] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  expect([group, session, terminal]).toEqual([test.holder.pid, test.holder.pid, 0]);
  for (const signal of ['SIGHUP', 'SIGINT'] as const) process.kill(test.holder.pid, signal);
  expect(value(await test.holder.list())).toEqual([]);
  expect(statSync(test.socketPath).mode & 0o777).toBe(0o600);
});

it('HOLD12: every outstanding call answers disconnected when the connection goes', async () => {
  await using test = await startHolder();
  const client = await test.connect();
  let told = 0;
  client.onDisconnect(() => (told += 1));
  value(await client.spawn('s.1', shell('sleep 1000'), {}));
  const outstanding = [client.list(), client.write('s.1', Buffer.from('x'), 't'), client.release('s.1', 'out', 0)];
  client.close();
  expect((await Promise.all(outstanding)).map(errorKind)).toEqual(Array(3).fill('disconnected'));
  expect(errorKind(await client.list())).toBe('disconnected');
  expect(told).toBe(1);
  expect(errorKind(await connectHolder({ socketPath: join(test.directory, 'none.sock') }))).toBe('disconnected');
});

it('HOLD4: malformed frames close their connection, and nobody else notices', async () => {
  await using test = await startHolder();
  const { holder } = test;
  value(await holder.spawn('s.1', shell('stty raw -echo; exec cat'), {}));
  const output = collect(holder, 's.1');
  const hello = encodeJson({ type: 'hello', versions: [1] }) as Buffer;
  const random = seededRandom(11);
  const garbage: Buffer[] = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0, 0, 0, 0]),
    Buffer.concat([hello, hello]),
    Buffer.concat([hello, Buffer.from([0, 0, 0, 2, 1, 0x7b])]),
    Buffer.concat([hello, Buffer.from([0, 0, 0, 3, 3, 0, 0])]),
    Buffer.concat([hello, Buffer.from([0, 0, 0, 12, 2, ...Array<number>(11).fill(0)])]),
    Buffer.concat([hello, encodeJson({ type: 'read', reader: 1 }) as Buffer]),
    Buffer.concat([hello, encodeJson('['.repeat(100_000)) as Buffer]),
    encodeJson({ type: 'list', call: 1 }) as Buffer,
    encodeWrite(1, 's.1', null, Buffer.from('before hello')) as Buffer,
    ...Array.from({ length: 40 }, () =>
      Buffer.concat([hello, Buffer.from(Array.from({ length: 60 }, () => random.integer(256)))]),
    ),
  ];
  for (const [index, bytes] of garbage.entries()) {
    const socket = connect(test.socketPath);
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(bytes);
    // Random bytes may be the beginning of a frame: then it waits for the rest.
    if (index >= 10) socket.end();
    await once(socket, 'close');
  }
  value(await holder.write('s.1', Buffer.from('still here')));
  await eventually('an echo', () => output.text() === 'still here');
});

it('HOLD11: without a common version a client is told which one the holder speaks', async () => {
  await using test = await startHolder();
  const socket = connect(test.socketPath);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.write(encodeJson({ type: 'hello', versions: [99] }) as Buffer);
  await once(socket, 'close');
  expect(JSON.parse(Buffer.concat(chunks).subarray(5).toString())).toEqual({
    type: 'refused',
    message: 'the running holder speaks version 1, 2, 3',
  });
});

it('HOLD6: a new holder ends what a killed one left behind, names it, and touches nobody else', async () => {
  await using other = await startHolder();
  const bystander = value(await other.holder.spawn('s.1', pipe('sleep 1000'), {}));
  await using test = await startHolder();
  const agent = value(await test.holder.spawn('agent.1', pipe('setsid sleep 1004 & sleep 1005'), {}));
  value(await test.holder.spawn('shell.1', shell('trap "" HUP; echo ready; while :; do sleep 0.1; done'), {}));
  const output = collect(test.holder, 'shell.1');
  await eventually('ready', () => output.text().includes('ready'));
  process.kill(test.holder.pid, 'SIGKILL');
  await eventually('the holder is gone', () => !isAlive(test.holder.pid));
  expect(isAlive(agent.pid)).toBe(true);

  const lines: string[] = [];
  const successor = value(await ensureHolder({ dataDir: test.directory, log: (line) => lines.push(line) }));
  expect([...successor.orphans].sort()).toEqual(['agent.1', 'shell.1']);
  expect(isAlive(agent.pid)).toBe(false);
  expect(isAlive(bystander.pid)).toBe(true);
  expect(value(await successor.list())).toEqual([]);
  expect(lines.length).toBe(1);
  expect(readFileSync(holderFiles(test.directory).log, 'utf8')).toContain('ended orphans: ');
  successor.close();
});

it('HOLD7: a second holder on a directory says so and ends; many launchers get the same one', async () => {
  await using test = await startHolder();
  const second = spawn(process.execPath, [mainProgram, test.directory], { stdio: ['ignore', 'ignore', 'pipe'] });
  let message = '';
  second.stderr.on('data', (chunk: Buffer) => (message += chunk.toString()));
  const [code] = (await once(second, 'close')) as [number];
  expect(code).toBe(exitCodes.alreadyRunning);
  expect(message).toBe(`another holder has ${test.directory}\n`);
  expect(value(await test.holder.list())).toEqual([]);

  using temporary = temporaryDirectory();
  const launched = await Promise.all(Array.from({ length: 4 }, () => ensureHolder({ dataDir: temporary.path })));
  expect(new Set(launched.map((each) => value(each).pid)).size).toBe(1);
  const [first] = launched.map(value);
  value(await (first as NonNullable<typeof first>).shutdown());
  // Nobody who was on the way takes the place of the one that was ended.
  await eventually('all ended', () => holdersOf(temporary.path).length === 0);
});

it('HOLD7: one that is ending is waited for, and its successor takes its place', async () => {
  await using test = await startHolder();
  value(await test.holder.spawn('slow.1', shell('trap "" HUP TERM; echo ready; while :; do sleep 0.1; done'), {}));
  const output = collect(test.holder, 'slow.1');
  await eventually('ready', () => output.text().includes('ready'));
  process.kill(test.holder.pid, 'SIGTERM');
  await eventually('it does not listen any more', async () => !(await connectHolder(test)).ok);
  const successor = value(await ensureHolder({ dataDir: test.directory }));
  expect(successor.pid).not.toBe(test.holder.pid);
  expect(isAlive(test.holder.pid)).toBe(false);
  successor.close();
});

it('HOLD1: the holder ends its processes when it is told to end', async () => {
  await using test = await startHolder();
  const { pid } = value(await test.holder.spawn('s.1', pipe('setsid sleep 1006 & sleep 1007'), {}));
  const exits: string[] = [];
  test.holder.onExit(({ id }) => exits.push(id));
  value(await test.holder.shutdown());
  expect(isAlive(pid)).toBe(false);
  expect(exits).toEqual(['s.1']);
  await eventually('the holder ended', () => !isAlive(test.holder.pid));
});

it('OPS3: a directory the holder cannot use is a clear message', async () => {
  using temporary = temporaryDirectory();
  const file = join(temporary.path, 'file');
  writeFileSync(file, 'x');
  const onFile = await ensureHolder({ dataDir: join(file, 'data') });
  expect(onFile).toMatchObject({ ok: false, error: { kind: 'bad_request' } });
  const tooLong = await ensureHolder({ dataDir: join(temporary.path, 'x'.repeat(120)) });
  expect(tooLong.ok ? '' : tooLong.error.message).toContain('too long for a socket');
  const broken = join(temporary.path, 'broken');
  value(await ensureHolder({ dataDir: broken }).then(async (first) => value(first).shutdown()));
  writeFileSync(holderFiles(broken).lock, 'this is no lock file, and no database either '.repeat(100));
  const result = await ensureHolder({ dataDir: broken });
  expect(result.ok ? '' : result.error.message).toMatch(/cannot start: .*code 5: .*holder\.lock/);
  const noNode = await ensureHolder({ dataDir: join(temporary.path, 'none'), nodePath: '/no/such/node' });
  expect(noNode.ok ? '' : noNode.error.message).toMatch(/cannot start: .*ENOENT/);
});

it('TERM1: the holder takes nothing of its launcher but what it needs to run', async () => {
  process.env['HOLDFAST_TEST_SECRET'] = 'secret';
  try {
    await using test = await startHolder();
    const environment = readFileSync(`/proc/${test.holder.pid}/environ`, 'latin1');
    expect(environment).not.toContain('secret');
    expect(environment).toContain('PATH=');
  } finally {
    delete process.env['HOLDFAST_TEST_SECRET'];
  }
});

it('STREAM4: a client gets a bounded amount ahead of what it has taken', async () => {
  await using test = await startHolder();
  value(await test.holder.spawn('flood.1', pipe('head -c 20000000 /dev/zero'), {}));
  await exitOf(test.holder, 'flood.1');
  const socket = connect(test.socketPath);
  let received = 0;
  socket.on('data', (chunk: Buffer) => (received += chunk.length));
  socket.write(encodeJson({ type: 'hello', versions: [1] }) as Buffer);
  socket.write(encodeJson({ type: 'read', reader: 1, id: 'flood.1', stream: 'out', from: 0 }) as Buffer);
  await eventually('the credit came', () => received >= 1024 * 1024);
  // An answer comes behind whatever was sent before.
  socket.write(encodeJson({ type: 'list', call: 1 }) as Buffer);
  const before = received;
  await eventually('the answer came', () => received > before);
  expect(received).toBeLessThan(1024 * 1024 + 10_000);
  socket.write(encodeJson({ type: 'acknowledge', reader: 1, offset: 500_000 }) as Buffer);
  await eventually('as much again came', () => received >= 1024 * 1024 + 500_000);
  expect(received).toBeLessThan(1024 * 1024 + 510_000);
  socket.destroy();
});

function holdersOf(directory: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').endsWith(`main.ts\0${directory}\0`);
    } catch {
      return false;
    }
  });
}
