/** The command line's own client against a server that misbehaves on demand. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorBody, ErrorKind } from '@holdfast/protocol/error.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { scriptedHttp } from '../../../link/test/scripted-http.ts';
import { ScriptedServer, logOf } from '../../../link/test/scripted-server.ts';
import { CommandLine } from '../../src/client/command-line.ts';
import { listOutbox } from '../../src/client/file-outbox.ts';
import type { Outcome } from '../../src/client/outcome.ts';

let directory: ReturnType<typeof temporaryDirectory>;
let server: ScriptedServer;
let url: string;
let told: string[];

beforeEach(async () => {
  directory = temporaryDirectory();
  server = await ScriptedServer.start();
  ({ url } = server);
  // A machine under load goes on to the next way of connecting: they all answer.
  server.http = scriptedHttp(server);
  told = [];
});
afterEach(async () => {
  await server.stop();
  directory[Symbol.dispose]();
});

/** One run of the program that sends these, one after the other. */
async function run(texts: readonly string[], signal = new AbortController().signal): Promise<Outcome[]> {
  const access = { url, key: 'k', name: 'here', local: true, remedy: 'Make one.' };
  const out = {
    say: () => undefined,
    write: () => undefined,
    tell: (line: string) => void told.push(line),
    tty: false,
  };
  const line = new CommandLine(access, directory.path, out, signal);
  try {
    await line.sendEarlier();
    const outcomes: Outcome[] = [];
    for (const text of texts) outcomes.push(await line.deliver('s', { type: 'message.send', text }));
    return outcomes;
  } finally {
    await line.close();
  }
}
const landed = (): string[] =>
  logOf(server.world, 's').effects.map((command) => (command.type === 'message.send' ? command.text : command.type));
const exits = (outcomes: readonly Outcome[]): string[] => outcomes.map(({ exit }) => exit);
const states = (): string[] => listOutbox(directory.path).map(({ state }) => state.status);
const refuse = (error: ErrorBody): void => {
  server.faults.refuse = () => error;
};

it('CLI4: what is stored leaves nothing behind', async () => {
  expect(exits(await run(['1', '2', '3']))).toEqual(['done', 'done', 'done']);
  expect(landed()).toEqual(['1', '2', '3']);
  expect(states()).toEqual([]);
  expect(told).toEqual([]);
});

it.each([
  ['forbidden', 'forbidden'],
  ['not_found', 'notFound'],
  ['session_ended', 'conflict'],
  ['payload_too_large', 'tooLarge'],
  ['quota_exceeded', 'limit'],
] satisfies [ErrorKind, string][])(
  'CLI4: %s is said, and the message kept for the person to decide',
  async (kind, exit) => {
    refuse({ kind, message: 'no' });
    const [outcome] = await run(['1']);
    expect(outcome).toEqual({ exit, words: 'Not sent: no' });
    expect(states()).toEqual(['failed']);
    server.faults.refuse = () => null;
    expect(exits(await run(['2']))).toEqual(['done']);
    expect(landed()).toEqual(['2']);
  },
);

it('CLI4: one that is too fast waits as long as it is told, and says so', async () => {
  let refusals = 1;
  server.faults.refuse = () => {
    refusals -= 1;
    return refusals < 0 ? null : { kind: 'rate_limited', message: 'Too many messages.', retryAfterMs: 300 };
  };
  expect(exits(await run(['1']))).toEqual(['done']);
  expect(landed()).toEqual(['1']);
  expect(told).toEqual(['Not sent yet: Too many messages; again in 1 s. Waiting.']);
  refuse({ kind: 'rate_limited', message: 'Too many messages.', retryAfterMs: 3_600_000 });
  const [outcome] = await run(['2']);
  expect(outcome?.exit).toBe('kept');
  expect(outcome?.words).toMatch(/again in 60 min/);
  expect(states()).toEqual(['saved']);
});

it('CLI5: a lost acknowledgement and the end of the run: the next run sends the same command, and it lands once', async () => {
  server.faults.loseAck = () => true;
  const interrupt = new AbortController();
  const running = run(['1'], interrupt.signal);
  while (landed().length === 0) await new Promise((next) => setTimeout(next, 5));
  interrupt.abort();
  expect(exits(await running)).toEqual(['interrupted']);
  expect(states()).toEqual(['saved']);
  server.faults.loseAck = () => false;
  expect(exits(await run(['2']))).toEqual(['done']);
  expect(landed()).toEqual(['1', '2']);
  expect(told).toEqual(['Sent what was kept: a message "1".']);
  expect(states()).toEqual([]);
});

it('CLI6: without a server it is said once and the message kept; the next run sends it first', async () => {
  const { port, world } = server;
  await server.stop();
  const [outcome] = await run(['1']);
  expect(outcome?.exit).toBe('kept');
  expect(outcome?.words).toMatch(/^Kept on this machine: the server cannot be reached/);
  expect(told).toEqual([]);
  server = await ScriptedServer.start(world, port);
  expect(exits(await run(['2', '3']))).toEqual(['done', 'done']);
  expect(landed()).toEqual(['1', '2', '3']);
});

it('CLI6: a key that is not valid ends it at once, with what to do', async () => {
  server.faults.refuseLogin = { kind: 'unauthenticated', message: 'no' };
  const [outcome] = await run(['1']);
  expect(outcome).toEqual({
    exit: 'login',
    words:
      'Kept on this machine: the key is not valid there. Make one. The next run sends it; holdfast outbox shows it.',
  });
  expect(server.asked).toEqual([]);
});

it('CLI5: what an earlier run left and is refused now is told, and harms nothing that comes after', async () => {
  const { port, world } = server;
  await server.stop();
  await run(['1']);
  server = await ScriptedServer.start(world, port);
  server.faults.refuse = (command) =>
    command.type === 'message.send' && command.text === '1'
      ? { kind: 'session_ended', message: 'It has ended.' }
      : null;
  expect(exits(await run(['2']))).toEqual(['done']);
  expect(told).toEqual(['Kept from an earlier run, a message "1": Not sent: It has ended']);
  expect(states()).toEqual(['failed']);
});

it('CLI2: without a disk the message is sent all the same, and the person told', async () => {
  mkdirSync(join(directory.path, 'outbox.db'));
  expect(exits(await run(['1']))).toEqual(['done']);
  expect(landed()).toEqual(['1']);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(/^Nothing can be kept on this machine/);
  await server.stop();
  const [outcome] = await run(['2']);
  expect(outcome?.exit).toBe('unavailable');
  expect(outcome?.words).toMatch(/send it again/);
  rmSync(join(directory.path, 'outbox.db'), { recursive: true });
});

it('CLI4: a hundred that wait are enough: the next is refused, and nothing of it kept', async () => {
  const { port, world } = server;
  await server.stop();
  await run(Array.from({ length: 100 }, (_, index) => String(index)));
  expect(states()).toHaveLength(100);
  await expect(run(['one more'])).rejects.toMatchObject({ exitName: 'limit' });
  expect(states()).toHaveLength(100);
  server = await ScriptedServer.start(world, port);
  await run([]);
  expect(landed()).toEqual(Array.from({ length: 100 }, (_, index) => String(index)));
});

it('CLI2: a damaged outbox is said, and the run goes on', async () => {
  writeFileSync(join(directory.path, 'outbox.db'), 'not a database at all, but long enough to look at. '.repeat(30));
  chmodSync(join(directory.path, 'outbox.db'), 0o600);
  expect(exits(await run(['1']))).toEqual(['done']);
  expect(told[0]).toMatch(/^The outbox was damaged\. It was set aside as .*outbox\.db\.damaged-/);
});
