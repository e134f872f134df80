/** Turns that an agent begins by itself, and messages that come meanwhile. */
import { expect, it } from 'vitest';
import type { Instruction } from '@holdfast/protocol/runner.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { startMachine } from '../machine.ts';
import { EchoDriver } from './echo-driver.ts';

const sessionId = 'agent-1';

async function open() {
  const driver = new EchoDriver();
  const machine = await startMachine({ drivers: [driver] });
  const { server, root } = machine;
  await machine.run();
  const turn = (turnId: string, text: string): Instruction => ({
    ...{ type: 'turn.start', sessionId, turnId, messageId: `message-${turnId}`, text, cwd: root },
    ...{ agent: { provider: 'echo', mode: 'agent' }, conversationId: 'talk', nextGeneration: turnId === 't1' ? 1 : 2 },
  });
  const [approvalId, answer] = ['own-t1', { decision: 'allow' }] as const;
  const held = async () => {
    const list = await machine.holder.list();
    const process = list.ok ? list.value.find(({ exit }) => exit === null) : undefined;
    if (process === undefined) throw new Error('no process lives');
    return process;
  };
  return {
    ...{ machine, server, driver, turn, held },
    turns: () =>
      server.facts.flatMap(({ fact }) =>
        fact.type.startsWith('turn.') && 'turnId' in fact.data ? [`${fact.type} ${fact.data.turnId}`] : [],
      ),
    /** Of the turn it began by itself: the script takes it for its end. */
    answer: { type: 'approval.apply', sessionId, approvalId, toolCallId: 'c', answer } satisfies Instruction,
    prompts: () => driver.calls.filter((call) => call.startsWith('turn ')),
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  };
}

it('TURN17, TURN18: a message for an agent that is in a turn of its own waits, answers and modes pass it, then it goes as it is', async () => {
  await using all = await open();
  const { server, driver, turn, turns } = all;
  await server.carryOut(turn('t1', 'dream'));
  await eventually('its own turn', () => turns().includes('turn.started own-t1'));
  const waits = server.deliver(turn('t2', 'hello'));
  server.deliver({ type: 'mode.set', sessionId, mode: 'ask' });
  await eventually('set', () => driver.calls.includes('mode ask'));
  expect(all.prompts()).toEqual(['turn t1 dream']);
  await server.carryOut(all.answer);
  await eventually('handed over', () => server.isDone(waits));
  await eventually('the end', () => turns().includes('turn.ended t2'));
  expect(turns()).toEqual(['t1', 'own-t1', 't2'].flatMap((id) => [`turn.started ${id}`, `turn.ended ${id}`]));
  // The message was sent before the mode was changed: it does not set it back.
  expect(driver.calls).not.toContain('mode agent');
});

it('TURN18, TURN4: an agent that begins by itself while it is handed a message gets that message afterwards, once', async () => {
  await using all = await open();
  const { server, turn, turns } = all;
  await server.carryOut(turn('t1', 'hello'));
  const waits = server.deliver(turn('t2', 'race'));
  await eventually('its own turn', () => turns().includes('turn.started own-t2'));
  expect(turns()).not.toContain('turn.started t2');
  await server.carryOut({ ...all.answer, approvalId: 'own-t2' });
  await eventually('handed over', () => server.isDone(waits));
  await eventually('the end', () => turns().includes('turn.ended t2'));
  expect(turns().slice(2)).toEqual(['own-t2', 't2'].flatMap((id) => [`turn.started ${id}`, `turn.ended ${id}`]));
  expect(all.prompts()).toEqual(['turn t1 hello', 'turn t2 race']);
});

it('TURN17, TURN5, TURN7: the next runner goes on with a turn the agent began by itself, and Stop ends it', async () => {
  await using all = await open();
  const { machine, server, turn, turns } = all;
  await server.carryOut(turn('t1', 'dream'));
  await eventually('noted', async () => {
    const notes = (await all.held()).meta['turn'];
    return notes !== null && typeof notes === 'object' && 'position' in notes;
  });
  const waits = server.deliver(turn('t2', 'hello'));
  await machine.run();
  expect(server.of('hello').at(-1)?.inventory).toMatchObject([{ turnId: 'own-t1', alive: true }]);
  server.deliver(turn('t2', 'hello'), waits);
  await server.carryOut({ type: 'turn.stop', sessionId, turnId: 'own-t1' });
  await eventually('the end', () => turns().includes('turn.ended t2'));
  expect(server.factsOf('turn.ended').map(({ outcome }) => outcome)).toEqual(['completed', 'stopped', 'completed']);
  expect(turns()).toEqual(['t1', 'own-t1', 't2'].flatMap((id) => [`turn.started ${id}`, `turn.ended ${id}`]));
  expect(all.prompts()).toEqual(['turn t1 dream', 'turn t2 hello']);
});

it('TURN18, TURN6: an agent that dies in a turn of its own leaves it interrupted, and the message that waited goes to the next process', async () => {
  await using all = await open();
  const { server, driver, turn, turns } = all;
  await server.carryOut(turn('t1', 'dream'));
  await eventually('its own turn', () => turns().includes('turn.started own-t1'));
  const waits = server.deliver(turn('t2', 'hello'));
  const stopped = server.deliver(turn('t3', 'never'));
  await server.carryOut({ type: 'turn.stop', sessionId, turnId: 't3' });
  server.deliver({ type: 'mode.set', sessionId, mode: 'ask' });
  await eventually('set', () => driver.calls.includes('mode ask'));
  process.kill((await all.held()).pid, 'SIGKILL');
  await eventually('done', () => server.isDone(waits) && server.isDone(stopped));
  await eventually('the end', () => turns().includes('turn.ended t2'));
  expect(turns().slice(2)).toEqual([
    ...['turn.started own-t1', 'turn.ended t3', 'turn.interrupted own-t1'],
    ...['turn.started t2', 'turn.ended t2'],
  ]);
  expect(all.prompts()).toEqual(['turn t1 dream', 'turn t2 hello']);
  // The other process was started as the message was sent, and is told what came after it.
  await eventually('set again', async () => {
    const { mode } = (await all.held()).meta['agent'] as { mode: string };
    return mode === 'ask';
  });
});
