import { expect, it } from 'vitest';
import type { Instruction } from '@holdfast/protocol/runner.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { startMachine } from '../machine.ts';
import { EchoDriver } from './echo-driver.ts';

const sessionId = 'agent-1';

const turn = (cwd: string, turnId: string, text: string, nextGeneration: number): Instruction => ({
  type: 'turn.start',
  sessionId,
  turnId,
  messageId: `message-${turnId}`,
  text,
  cwd,
  agent: { provider: 'echo', mode: 'agent' },
  conversationId: 'talk',
  nextGeneration,
});

it('LIMIT4: an idle agent’s process is stopped, its session is not, and the next message goes on in its conversation', async () => {
  const driver = new EchoDriver();
  await using machine = await startMachine({ drivers: [driver], agentIdleMs: 60 });
  const { server, root } = machine;
  await machine.run();
  const living = async (): Promise<number> => {
    const list = await machine.holder.list();
    return list.ok ? list.value.filter((process) => process.exit === null).length : -1;
  };
  await server.carryOut(turn(root, 't1', 'hello', 1));
  await eventually('the end', () => server.factsOf('turn.ended').length === 1);
  await eventually('stopped', async () => (await living()) === 0);
  await server.carryOut(turn(root, 't2', 'again', 2));
  await eventually('the end', () => server.factsOf('turn.ended').length === 2);
  expect(driver.calls.filter((call) => call.startsWith('start '))).toEqual([
    `start ${sessionId}.1 talk`,
    `start ${sessionId}.2 talk`,
  ]);
  expect(server.factsOf('turn.started').map(({ generation }) => generation)).toEqual([1, 2]);
  expect(server.factsOf('session.ended')).toEqual([]);
  expect(server.factsOf('turn.interrupted')).toEqual([]);
});

it('LIMIT4: a message that comes while the idle process is going away waits for it and is answered once', async () => {
  const driver = new EchoDriver();
  await using machine = await startMachine({ drivers: [driver], agentIdleMs: 30 });
  const { server, root } = machine;
  await machine.run();
  for (let round = 1; round <= 12; round += 1) {
    await server.carryOut(turn(root, `t${round}`, `text ${round}`, round));
    await eventually('the end', () => server.factsOf('turn.ended').length === round);
    const stops = driver.calls.filter((call) => call.startsWith('quit')).length;
    // Every other one just when it is told to go.
    if (round % 2 === 0) {
      await eventually('told to go', () => driver.calls.filter((call) => call.startsWith('quit')).length > stops);
    }
  }
  expect(server.factsOf('turn.ended').every(({ outcome }) => outcome === 'completed')).toBe(true);
  expect(server.factsOf('message.assistant').map(({ text }) => text)).toEqual(
    Array.from({ length: 12 }, (_, index) => `text ${index + 1}`),
  );
  expect(server.factsOf('turn.interrupted')).toEqual([]);
});

it('LIMIT4: an agent at work is left alone, however long its turn is', async () => {
  const driver = new EchoDriver();
  await using machine = await startMachine({ drivers: [driver], agentIdleMs: 20 });
  const { server, root } = machine;
  await machine.run();
  await server.carryOut(turn(root, 't1', 'wait', 1));
  await eventually('at work', () => server.factsOf('message.assistant').length === 1);
  const other: Instruction = {
    ...turn(root, 'u1', 'hello', 1),
    sessionId: 'agent-2',
    messageId: 'other',
  } as Instruction;
  // A second agent comes and goes meanwhile.
  await server.carryOut(other);
  await eventually('the other was stopped', () => driver.calls.some((call) => call.startsWith('quit')));
  expect(driver.calls.filter((call) => call.startsWith('quit'))).toHaveLength(1);
  await server.carryOut({ type: 'turn.stop', sessionId, turnId: 't1' });
  await eventually('the end', () => server.factsOf('turn.ended').length === 2);
});

it('LIMIT4, TURN16, APPR4: a process that runs something in the background or asks somebody is not idle', async () => {
  const driver = new EchoDriver();
  await using machine = await startMachine({ drivers: [driver], agentIdleMs: 60 });
  const { server, root } = machine;
  await machine.run();
  const living = async (): Promise<string[]> => {
    const list = await machine.holder.list();
    return list.ok ? list.value.filter(({ exit }) => exit === null).map(({ id }) => id) : ['?'];
  };
  driver.busy.add(sessionId);
  await server.carryOut(turn(root, 't1', 'hello', 1));
  await eventually('the end', () => server.factsOf('turn.ended').length === 1);
  // The other one has been idle for less.
  await server.carryOut({ ...turn(root, 't2', 'hello', 1), sessionId: 'other' });
  await eventually('the other is stopped', async () => (await living()).join() === `${sessionId}.1`);
  driver.busy.clear();
  await eventually('stopped', async () => (await living()).length === 0);
});
