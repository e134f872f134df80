import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { startMachine, startTerminal } from '../machine.ts';
import type { Machine } from '../machine.ts';

const sessionId = 'terminal-1';
const start = (recordingId: string, ownerId = 'u') =>
  ({ type: 'recording.start', sessionId, recordingId, ownerId, title: 'Here' }) as const;
const stop = { type: 'recording.stop', sessionId } as const;

async function cast(machine: Machine, recordingId: string) {
  let whole = Buffer.alloc(0);
  for (;;) {
    const answer = await machine.server.ask({ type: 'recordingRead', sessionId, recordingId, from: whole.length });
    if (!answer.ok) throw new Error(answer.error.message);
    if (answer.value.data.length === 0) break;
    whole = Buffer.concat([whole, answer.value.data]);
  }
  const text = new TextDecoder('utf-8', { fatal: true }).decode(whole);
  const [header, ...events] = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  const typed = events as [number, string, string][];
  const of = (code: string) => typed.filter((event) => event[1] === code).map((event) => event[2]);
  return { header, events: typed, output: of('o').join(''), sizes: of('r'), marks: of('m') };
}

async function started() {
  const machine = await startMachine();
  const { server } = machine;
  await machine.run();
  await server.carryOut(startTerminal(sessionId, machine.root));
  server.send({ type: 'ttyOpen', sessionId, from: 0 });
  await eventually('the prompt', () => server.output.includes('$ '));
  const type = (data: string) => server.carryOut({ type: 'terminal.write', sessionId, data });
  return { machine, server, type };
}

describe('recordings', () => {
  it('REC1: over kills of the runner in a flood, a recording is what the shell printed, once, with its sizes', async () => {
    const { machine, server, type } = await started();
    await using _ = machine;
    await type('echo be""fore\r');
    await eventually('a screen', () => server.output.includes('before\r\n'));
    await server.carryOut(start('r1'));
    expect(server.factsOf('terminal.recording.started')).toEqual([{ recordingId: 'r1' }]);
    const lines = 12_000;
    const parts = [90, 100, 110];
    for (const cols of parts) {
      const { length } = (await cast(machine, 'r1')).events;
      await type(`for i in $(seq ${lines}); do echo "$i \u20ac\u{1f600} $((i * 7))"; done; echo do""ne\r`);
      await eventually('more of it', async () => (await cast(machine, 'r1')).events.length > length);
      await server.carryOut({ type: 'terminal.resize', sessionId, cols, rows: 30 });
      await machine.run();
    }
    await eventually(
      'the end of it',
      async () => (await cast(machine, 'r1')).output.split('\r\ndone\r\n').length > parts.length,
      30_000,
    );
    await server.carryOut(stop);
    await eventually('its end', () => server.factsOf('terminal.recording.ended').length > 0);
    const { header, output, sizes, marks, events } = await cast(machine, 'r1');
    expect(header).toMatchObject({ version: 2, width: 80, height: 24, title: 'Here', env: { TERM: 'xterm-256color' } });
    const expected = Array.from({ length: lines }, (_, at) => `${at + 1} \u20ac\u{1f600} ${(at + 1) * 7}\r\n`).join('');
    expect(events[0]?.[2]).toContain('before');
    let from = 0;
    for (const _part of parts) {
      from = output.indexOf(expected, from) + expected.length;
      expect(from).toBeGreaterThanOrEqual(expected.length);
      expect(output.slice(from)).toMatch(/^done\r\n/);
    }
    expect(output.match(/\b11999 /g)).toHaveLength(parts.length);
    expect(sizes).toEqual(['90x30', '100x30', '110x30']);
    expect(marks).toEqual([]);
    expect(server.factsOf('terminal.recording.started')).toHaveLength(1);
  }, 60_000);

  it('REC3: a terminal has one recording at a time; it ends with its terminal and can be had afterwards', async () => {
    const { machine, server, type } = await started();
    await using _ = machine;
    const delivery = await server.carryOut(start('r1'));
    server.deliver(start('r1'), delivery);
    await server.carryOut(start('r2'));
    await server.carryOut(stop);
    await server.carryOut(stop);
    await server.carryOut(start('r3'));
    await type('exit\r');
    await eventually('the end', () => server.factsOf('session.ended').length > 0);
    expect(server.factsOf('terminal.recording.ended')).toMatchObject([
      { recordingId: 'r1', reason: 'stopped' },
      { recordingId: 'r3', reason: 'exited' },
    ]);
    expect(server.facts.map(({ fact }) => fact.type).slice(-2)).toEqual(['terminal.exited', 'session.ended']);
    expect((await cast(machine, 'r3')).output).toContain('exit\r\n');
    await server.carryOut(start('r4'));
    expect(server.factsOf('terminal.recording.ended').at(-1)).toMatchObject({
      recordingId: 'r4',
      reason: 'failed',
      error: { kind: 'session_ended' },
    });
    await machine.run();
    const listed = await server.ask({ type: 'recordings', sessionId });
    expect(listed).toMatchObject({ ok: true, value: { recordings: [{ id: 'r3', end: 'exited' }, { id: 'r1' }] } });
    expect(await server.ask({ type: 'recordingRemove', sessionId, recordingId: 'r3' })).toMatchObject({ ok: true });
    expect(await server.ask({ type: 'recordingRead', sessionId, recordingId: 'r3', from: 0 })).toMatchObject({
      error: { kind: 'not_found' },
    });
    const directory = join(machine.dataDir, 'recordings', sessionId);
    expect(existsSync(directory)).toBe(true);
    server.send({ type: 'uploadsDrop', sessionId });
    await eventually('nothing left', () => !existsSync(directory));
  });
});
