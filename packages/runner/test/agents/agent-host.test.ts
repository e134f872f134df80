import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Instruction } from '@holdfast/protocol/runner.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { startMachine } from '../machine.ts';
import { EchoDriver } from './echo-driver.ts';

const sessionId = 'agent-1';

function turn(cwd: string, turnId: string, text: string, change: { provider?: string; nextGeneration?: number } = {}) {
  const instruction: Instruction = {
    type: 'turn.start',
    sessionId,
    turnId,
    messageId: `message-${turnId}`,
    text,
    cwd,
    agent: { provider: change.provider ?? 'echo', mode: 'agent' },
    conversationId: 'talk',
    nextGeneration: change.nextGeneration ?? 1,
  };
  return instruction;
}

/** As the kernel has it: R, S, Z (ended, and nobody has asked how), … */
function stateOf(pid: number): string {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return 'gone';
  const stat = readFileSync(path, 'latin1');
  return stat.charAt(stat.lastIndexOf(')') + 2);
}

async function machineWithAgent() {
  const driver = new EchoDriver();
  const machine = await startMachine({ drivers: [driver] });
  const runner = await machine.run();
  return { machine, server: machine.server, driver, runner, root: machine.root };
}

describe('agents', () => {
  it('TURN3: a turn is reported as running before anything the agent says in it, then what it says, then its end', async () => {
    const { machine, server, driver, root } = await machineWithAgent();
    await using _ = machine;
    await server.carryOut(turn(root, 't1', 'hello'));
    await eventually('the end', () => server.factsOf('turn.ended').length === 1);
    expect(server.facts.map(({ fact }) => fact.type)).toEqual([
      'session.started',
      'turn.started',
      'message.assistant',
      'turn.ended',
    ]);
    await server.carryOut(turn(root, 't2', 'again'));
    await eventually('the end', () => server.factsOf('turn.ended').length === 2);
    expect(server.factsOf('turn.started').map(({ generation }) => generation)).toEqual([1, 1]);
    expect(driver.calls).toEqual([`start ${sessionId}.1 talk`, 'turn t1 hello', 'turn t2 again']);
    await eventually('released', async () => {
      const list = await machine.holder.list();
      return (
        list.ok &&
        list.value[0]?.streams.out.start === list.value[0]?.streams.out.end &&
        list.value[0]?.meta['turn'] === null
      );
    });
  });

  it('TURN4: a prompt delivered again, also to the next runner, reaches the agent once', async () => {
    const { machine, server, root } = await machineWithAgent();
    await using _ = machine;
    const delivery = await server.carryOut(turn(root, 't1', 'wait'));
    server.deliver(turn(root, 't1', 'wait'), delivery);
    await machine.run();
    server.deliver(turn(root, 't1', 'wait'), delivery);
    await eventually('done by both', () => server.of('done').filter((d) => d.deliveryId === delivery).length === 3);
    await server.carryOut({ type: 'turn.stop', sessionId, turnId: 't1' });
    await eventually('the end', () => server.factsOf('turn.ended').length === 1);
    const notes = async () => {
      const list = await machine.holder.list();
      return list.ok ? list.value[0]?.meta : undefined;
    };
    await eventually('noted', async () => (await notes())?.['turn'] === null);
    await machine.run();
    server.deliver(turn(root, 't1', 'wait'), delivery);
    await eventually('done again', () => server.of('done').filter((d) => d.deliveryId === delivery).length === 4);
    expect(server.factsOf('message.assistant').map(({ text }) => text)).toEqual(['waiting']);
    expect(server.factsOf('turn.started').length).toBe(1);
    expect((await notes())?.['turn']).toBe(null);
  });

  it('TURN4, LINK2: a prompt on its way when its runner leaves is handed over by the next', async () => {
    const { machine, server, driver, runner, root } = await machineWithAgent();
    await using _ = machine;
    await server.carryOut(turn(root, 't1', 'again'));
    await eventually('the first end', () => server.factsOf('turn.ended').length === 1);
    driver.holdPrompts = true;
    const delivery = server.deliver(turn(root, 't2', 'more'));
    await eventually('on its way', () => driver.calls.includes('hold t2'));
    await runner.close();
    driver.holdPrompts = false;
    await machine.run();
    server.deliver(turn(root, 't2', 'more'), delivery);
    await eventually('the second end', () => server.factsOf('turn.ended').length === 2);
    expect(server.factsOf('turn.ended').map(({ outcome }) => outcome)).toEqual(['completed', 'completed']);
    expect(server.factsOf('message.assistant').map(({ text }) => text)).toEqual(['again', 'more']);
  });

  it('UPLOAD9: a file that has gone since its message was stored ends the turn with its name; nobody is prompted', async () => {
    const { machine, server, driver, root } = await machineWithAgent();
    await using _ = machine;
    const bytes = Buffer.from('hello');
    const attachment = { uploadId: 'u1', name: 'note.txt', mediaType: 'text/plain', size: bytes.length };
    const put = () => {
      const { uploadId, ...about } = attachment;
      return server.ask({ type: 'uploadPut', sessionId, uploadId, ownerId: 'ada', ...about, offset: 0, data: bytes });
    };
    const withFile = (turnId: string) => ({ ...turn(root, turnId, 'look'), attachments: [attachment] }) as Instruction;
    await server.carryOut(withFile('t1'));
    const ended = (count: number) => eventually('the end', () => server.factsOf('turn.ended')[count - 1]);
    expect(await ended(1)).toMatchObject({ turnId: 't1', outcome: 'failed', error: { kind: 'not_found' } });
    expect((await ended(1)).error?.message).toContain('note.txt');
    expect(driver.calls).toEqual([]);
    expect((await put()).ok).toBe(true);
    await server.carryOut(withFile('t2'));
    expect(await ended(2)).toMatchObject({ turnId: 't2', outcome: 'completed' });
    expect(driver.files.map(({ name, path }) => [name, readFileSync(path, 'utf8')])).toEqual([['note.txt', 'hello']]);
    // The same for a process that is there already.
    expect((await server.ask({ type: 'uploadRemove', sessionId, uploadId: 'u1' })).ok).toBe(true);
    await server.carryOut(withFile('t3'));
    expect(await ended(3)).toMatchObject({ turnId: 't3', outcome: 'failed', error: { kind: 'not_found' } });
    expect(driver.calls.filter((call) => call.startsWith('turn'))).toEqual(['turn t2 look']);
  });

  it('UPLOAD6: a runner that is told that a session was deleted removes its uploads, and says which it keeps', async () => {
    const { machine, server } = await machineWithAgent();
    await using _ = machine;
    for (const id of ['s1', 's2']) {
      const about = { ownerId: 'ada', name: 'a', mediaType: 'text/plain', size: 1, offset: 0, data: Uint8Array.of(1) };
      expect((await server.ask({ type: 'uploadPut', sessionId: id, uploadId: 'u', ...about })).ok).toBe(true);
    }
    server.send({ type: 'uploadsDrop', sessionId: 's1' });
    expect(await server.ask({ type: 'uploadState', sessionId: 's1', uploadId: 'u' })).toMatchObject({ ok: false });
    server.messages.length = 0;
    await machine.run();
    expect(server.of('hello')[0]?.uploads).toEqual(['s2']);
  });

  it('TURN5: what was said while no server or no runner was there is told once by the next', async () => {
    const { machine, server, driver, runner, root } = await machineWithAgent();
    await using _ = machine;
    server.storing = false;
    server.deliver(turn(root, 't1', 'wait'));
    await eventually('reported', () => server.of('report').length === 2);
    await runner.close();
    server.storing = true;
    server.messages.length = 0;
    await machine.run();
    expect(server.of('hello')[0]?.inventory).toEqual([{ sessionId, generation: 1, alive: true, turnId: 't1' }]);
    await eventually('told', () => server.factsOf('message.assistant').length === 1);
    expect(server.facts.map(({ fact }) => fact.type)).toEqual(['session.started', 'turn.started', 'message.assistant']);
    expect(driver.calls).toContain(`attach ${sessionId}.1 0`);
    await server.carryOut({ type: 'turn.stop', sessionId, turnId: 't1' });
    await eventually('the end', () => server.factsOf('turn.ended')[0]?.outcome === 'stopped');
    await machine.run();
    await server.carryOut(turn(root, 't2', 'more', { nextGeneration: 2 }));
    await eventually('the end', () => server.factsOf('turn.ended').length === 2);
    expect(server.factsOf('message.assistant').map(({ text }) => text)).toEqual(['waiting', 'more']);
    expect(server.factsOf('session.started')).toEqual([{ generation: 1 }]);
  });

  it('TURN6: an agent that dies interrupts its turn, is forgotten, and another goes on in its conversation', async () => {
    const { machine, server, driver, root } = await machineWithAgent();
    await using _ = machine;
    await server.carryOut(turn(root, 't1', 'die'));
    await eventually('interrupted', () => server.factsOf('turn.interrupted').length === 1);
    expect(server.factsOf('turn.interrupted')).toEqual([{ turnId: 't1', reason: 'agent_died' }]);
    expect(server.factsOf('message.assistant').map(({ text }) => text)).toEqual(['dying']);
    await eventually('forgotten', async () => {
      const list = await machine.holder.list();
      return list.ok && list.value.length === 0;
    });
    await server.carryOut(turn(root, 't2', 'back', { nextGeneration: 2 }));
    await eventually('the end', () => server.factsOf('turn.ended').length === 1);
    expect(driver.calls).toContain(`start ${sessionId}.2 talk`);
    expect(server.factsOf('session.started')).toEqual([{ generation: 1 }, { generation: 2 }]);
  });

  it('TURN11: what an agent that died left running is ended and named in its turn, before the turn is interrupted', async () => {
    const { machine, server, root } = await machineWithAgent();
    await using _ = machine;
    await server.carryOut(turn(root, 't1', 'leave'));
    await eventually('interrupted', () => server.factsOf('turn.interrupted').length === 1);
    expect(server.facts.map(({ fact }) => fact.type).slice(-2)).toEqual(['turn.notice', 'turn.interrupted']);
    const [notice] = server.factsOf('turn.notice');
    expect(notice).toMatchObject({ turnId: 't1', level: 'warning' });
    expect(notice?.text).toMatch(/^What the agent had left running was ended: sleep 1006 \(process \d+\)\.$/);
    const pid = Number(/process (\d+)/.exec(notice?.text ?? '')?.[1]);
    expect(['gone', 'Z']).toContain(stateOf(pid));
  });

  it('TURN6: one that died while no runner was there is interrupted by the next, and never runs beside another', async () => {
    const { machine, server, runner, root } = await machineWithAgent();
    await using _ = machine;
    await server.carryOut(turn(root, 't1', 'wait'));
    await runner.close();
    await machine.holder.signal(`${sessionId}.1`, 'SIGKILL');
    await eventually('it has ended', async () => {
      const list = await machine.holder.list();
      return list.ok && list.value[0]?.exit;
    });
    server.storing = false;
    await machine.run();
    // The dead one's facts are not stored yet: the new one must not take its number.
    const delivery = server.deliver(turn(root, 't2', 'next', { nextGeneration: 1 }));
    await eventually('the new one', async () => {
      const list = await machine.holder.list();
      return list.ok && list.value.some(({ id, exit }) => id === `${sessionId}.2` && exit === null);
    });
    server.storing = true;
    await machine.run();
    server.deliver(turn(root, 't2', 'next', { nextGeneration: 1 }), delivery);
    await eventually('both turns', () => server.factsOf('turn.ended').length === 1);
    expect(server.factsOf('turn.interrupted')).toEqual([{ turnId: 't1', reason: 'agent_died' }]);
  });

  it('TURN20: beside an earlier process that this runner has no driver for, none is started', async () => {
    const drivers = [new EchoDriver()];
    await using machine = await startMachine({ drivers });
    const { server, root } = machine;
    const runner = await machine.run();
    await server.carryOut(turn(root, 't1', 'wait'));
    await runner.close();
    const other = Object.assign(new EchoDriver(), { provider: 'other' });
    drivers.splice(0, 1, other);
    await machine.run();
    await server.carryOut(turn(root, 't2', 'hello', { provider: 'other' }));
    await eventually('the end', () => server.factsOf('turn.ended').length === 1);
    expect(server.factsOf('turn.ended')[0]).toMatchObject({ outcome: 'failed', error: { kind: 'conflict' } });
    expect(other.calls).toEqual([]);
    const list = await machine.holder.list();
    expect(list.ok && list.value.map(({ id }) => id)).toEqual([`${sessionId}.1`]);
  });

  it('LINK22: a message delivered again after its agent died and was forgotten is not handed to another', async () => {
    const { machine, server, driver, runner, root } = await machineWithAgent();
    await using _ = machine;
    server.storing = false;
    const delivery = server.deliver(turn(root, 't1', 'die'));
    await eventually('dead', async () => {
      const list = await machine.holder.list();
      return list.ok && list.value[0]?.exit;
    });
    await runner.close();
    server.unlink();
    server.storing = true;
    await machine.run();
    await eventually('forgotten', async () => {
      const list = await machine.holder.list();
      return server.factsOf('turn.interrupted').length === 1 && list.ok && list.value.length === 0;
    });
    // It was on its way when the end was stored.
    server.deliver(turn(root, 't1', 'die'), delivery);
    await eventually('done', () => server.isDone(delivery));
    expect(driver.calls.filter((call) => /^turn|^start/.test(call))).toEqual([
      `start ${sessionId}.1 talk`,
      'turn t1 die',
    ]);
  });

  it('TURN12: a session that was told to end starts no agent for a message that was on its way', async () => {
    const { machine, server, driver, root } = await machineWithAgent();
    await using _ = machine;
    await server.carryOut(turn(root, 't1', 'wait'));
    server.deliver({ type: 'session.stop', sessionId });
    await server.carryOut(turn(root, 't2', 'too late'));
    await eventually('the end', () => server.factsOf('session.ended').length === 1);
    await server.carryOut(turn(root, 't3', 'later still'));
    await server.carryOut({ type: 'session.stop', sessionId: 'never-ran' });
    await server.carryOut({ ...turn(root, 't4', 'nor here'), sessionId: 'never-ran' });
    expect(driver.calls.filter((call) => /^turn|^start/.test(call))).toEqual([
      `start ${sessionId}.1 talk`,
      'turn t1 wait',
    ]);
  });

  it('TURN4: a message the agent did not take is handed again when it is delivered again', async () => {
    const { machine, server, driver, runner, root } = await machineWithAgent();
    await using _ = machine;
    await server.carryOut(turn(root, 't1', 'hello'));
    driver.deaf = true;
    server.storing = false;
    // Reported as failed, but before that is stored this runner is gone.
    const delivery = server.deliver(turn(root, 't2', 'again'));
    await eventually('reported', () => server.of('report').some(({ report }) => report.position === delivery));
    await runner.close();
    server.unlink();
    driver.deaf = false;
    server.storing = true;
    await machine.run();
    server.deliver(turn(root, 't2', 'again'), delivery);
    await eventually('the end', () => server.factsOf('turn.ended').length === 2);
    expect(server.factsOf('turn.ended').map(({ outcome }) => outcome)).toEqual(['completed', 'completed']);
    expect(server.factsOf('message.assistant').map(({ text }) => text)).toEqual(['hello', 'again']);
  });

  it('TURN9: an agent that cannot run fails the turn with what to do', async () => {
    const { machine, server, driver, root } = await machineWithAgent();
    await using _ = machine;
    await server.carryOut(turn(root, 't1', 'hello', { provider: 'nobody' }));
    driver.startError = 'log in with: echo login';
    await server.carryOut(turn(root, 't2', 'hello'));
    await server.carryOut(turn(`${root}/none`, 't3', 'hello'));
    expect(server.factsOf('turn.ended')).toMatchObject([
      { turnId: 't1', outcome: 'failed', error: { kind: 'agent_unavailable' } },
      { turnId: 't2', outcome: 'failed', error: { kind: 'agent_unavailable', message: 'log in with: echo login' } },
      { turnId: 't3', outcome: 'failed', error: { kind: 'conflict' } },
    ]);
    driver.startError = null;
    mkdirSync(`${root}/none`);
    await server.carryOut(turn(`${root}/none`, 't4', 'hello'));
    await eventually('it runs', () => server.factsOf('turn.ended').at(-1)?.outcome === 'completed');
  });

  it('TURN7: a stop of a turn no process knows ends it', async () => {
    const { machine, server } = await machineWithAgent();
    await using _ = machine;
    await server.carryOut({ type: 'turn.stop', sessionId, turnId: 'lost' });
    expect(server.factsOf('turn.ended')).toEqual([{ turnId: 'lost', outcome: 'stopped' }]);
  });

  it('TURN7: stopping the session ends process, turn and session', async () => {
    const { machine, server, root } = await machineWithAgent();
    await using _ = machine;
    await server.carryOut(turn(root, 't1', 'wait'));
    expect(await server.ask({ type: 'previews', sessionId })).toMatchObject({
      value: { previews: [{ text: 'agent-1.1' }] },
    });
    await server.carryOut({ type: 'session.stop', sessionId });
    await eventually('the end', () => server.factsOf('session.ended').length === 1);
    expect(server.factsOf('turn.ended')).toEqual([{ turnId: 't1', outcome: 'stopped' }]);
    await server.carryOut({ type: 'session.stop', sessionId: 'idle' });
    expect(server.factsOf('session.ended')).toEqual([{ reason: 'stopped' }, { reason: 'stopped' }]);
  });

  it('TURN5: mode and model reach the live agent, and stay with it for the next runner', async () => {
    const { machine, server, driver, root } = await machineWithAgent();
    await using _ = machine;
    await server.carryOut({ type: 'mode.set', sessionId, mode: 'auto' });
    expect(driver.calls).toEqual([]);
    await server.carryOut(turn(root, 't1', 'hello'));
    await server.carryOut({ type: 'mode.set', sessionId, mode: 'auto' });
    await server.carryOut({ type: 'model.set', sessionId, model: 'big' });
    const list = await machine.holder.list();
    expect(list.ok && list.value[0]?.meta).toMatchObject({
      agent: { mode: 'auto', model: 'big' },
      conversationId: `talk-${sessionId}`,
    });
    await machine.run();
    await server.carryOut(turn(root, 't2', 'hello'));
    expect(driver.calls.filter((call) => call.startsWith('mode '))).toEqual(['mode auto', 'mode agent']);
  });

  it('STREAM3: an agent that says much while the server is away is let go and gone on with, losing nothing', async () => {
    const { machine, server, driver, runner, root } = await machineWithAgent();
    await using _ = machine;
    server.storing = false;
    server.deliver(turn(root, 't1', 'flood'));
    await eventually('much', () => server.of('report').length >= 169);
    server.unlink();
    server.messages.length = 0;
    server.storing = true;
    runner.connect(server.link());
    await eventually('the end', () => server.factsOf('turn.ended').length === 1, 20_000);
    expect(driver.calls.some((call) => call.startsWith('attach'))).toBe(true);
    const numbers = server.factsOf('message.assistant').map(({ text }) => Number(text.split(' ')[0]));
    expect(numbers).toEqual(Array.from({ length: 300 }, (_unused, index) => index + 1));
  });
});
