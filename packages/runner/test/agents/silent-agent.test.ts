/** Drivers and agents that never answer: their turns end all the same, and nobody waits behind them. */
import { describe, expect, it } from 'vitest';
import type { Instruction } from '@holdfast/protocol/runner.ts';
import { agentPatience } from '@holdfast/runner/agents/call-clock.ts';
import type { AgentDriver } from '@holdfast/runner/agents/driver.ts';
import { createAcpDriver } from '@holdfast/runner/agents/acp/driver.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { type Machine, startMachine } from '../machine.ts';
import { EchoDriver } from './echo-driver.ts';

const sessionId = 'agent-1';
/** Each is told apart by its length; none is over before the test says so. */
const { startMs, stopMs, callMs, endMs } = agentPatience;

class Alarms {
  readonly #set = new Set<{ readonly ms: number; readonly call: () => void }>();

  readonly after = (ms: number, call: () => void): (() => void) => {
    const alarm = { ms, call };
    this.#set.add(alarm);
    return () => void this.#set.delete(alarm);
  };

  /** The time of this length is over, as soon as one runs. */
  async ring(ms: number): Promise<void> {
    const alarm = await eventually(`a time of ${ms} ms`, () => [...this.#set].find((one) => one.ms === ms));
    this.#set.delete(alarm);
    alarm.call();
  }
}

function turn(cwd: string, turnId: string, text: string, nextGeneration = 1, provider = 'echo'): Instruction {
  const agent = { provider, mode: 'agent' } as const;
  const message = { turnId, messageId: `message-${turnId}`, text };
  return { type: 'turn.start', sessionId, ...message, cwd, agent, conversationId: null, nextGeneration };
}

const stop = (turnId: string): Instruction => ({ type: 'turn.stop', sessionId, turnId });

async function machineWith(driver: AgentDriver) {
  const alarms = new Alarms();
  const machine = await startMachine({ drivers: [driver], after: alarms.after });
  const runner = await machine.run();
  return { machine, runner, server: machine.server, root: machine.root, ring: (ms: number) => alarms.ring(ms) };
}

async function processes({ holder }: Machine): Promise<string[]> {
  const list = await holder.list();
  return list.ok ? list.value.filter(({ exit }) => exit === null).map(({ id }) => id) : [];
}

/** The agent's own words have reached the holder. */
const spoken = ({ holder }: Machine, processId: string): Promise<unknown> =>
  eventually(`${processId} has spoken`, async () => {
    const list = await holder.list();
    return list.ok && list.value.some(({ id, streams }) => id === processId && streams.out.end > 0);
  });

/** All facts, in order. */
const typesOf = ({ server }: Machine): string[] => server.facts.map(({ fact }) => fact.type);

describe('a driver that never answers', () => {
  it('TURN13: Stop does not wait behind the start of its turn; what the agent said is kept, the next message finds a new one', async () => {
    const driver = new EchoDriver();
    const { machine, server, root, ring } = await machineWith(driver);
    await using _ = machine;
    driver.silent.add('prompt');
    const start = server.deliver(turn(root, 't1', 'wait'));
    await eventually('handed', () => driver.calls.includes('turn t1 wait'));
    await spoken(machine, `${sessionId}.1`);
    const stopping = server.deliver(stop('t1'));
    await ring(stopMs);
    await eventually('the stop is done', () => server.isDone(stopping));
    await eventually('the start is done', () => server.isDone(start));
    await eventually('over', () => server.factsOf('turn.interrupted').length === 1);
    expect(server.factsOf('turn.interrupted')).toEqual([{ turnId: 't1', reason: 'agent_died' }]);
    expect(typesOf(machine).slice(0, 4)).toEqual([
      'session.started',
      'turn.started',
      'turn.notice',
      'message.assistant',
    ]);
    expect(await processes(machine)).toEqual([]);
    driver.silent.clear();
    await server.carryOut(turn(root, 't2', 'more', 2));
    await eventually('the next', () => server.factsOf('turn.ended').at(-1)?.outcome === 'completed');
    expect(driver.calls).toContain(`start ${sessionId}.2 null`);
    expect(server.factsOf('turn.interrupted')).toHaveLength(1);
  });

  it('TURN13: a start that does not answer is over when its time is, and so is the process that it may have begun', async () => {
    const driver = new EchoDriver();
    const { machine, server, root, ring } = await machineWith(driver);
    await using _ = machine;
    driver.silent.add('start');
    const first = server.deliver(turn(root, 't1', 'hello'));
    await ring(startMs);
    await eventually('over', () => server.factsOf('turn.ended').length === 1);
    expect(server.factsOf('turn.ended')).toMatchObject([
      { turnId: 't1', outcome: 'failed', error: { kind: 'timeout' } },
    ]);
    // No driver tells of a process that never was.
    await ring(endMs);
    await ring(endMs);
    await eventually('done', () => server.isDone(first));
    driver.silent.clear();
    driver.silent.add('prompt');
    const delivery = server.deliver(turn(root, 't2', 'wait', 2));
    await eventually('handed', () => driver.calls.includes('turn t2 wait'));
    await ring(startMs);
    await eventually('done', () => server.isDone(delivery));
    await eventually('interrupted', () => server.factsOf('turn.interrupted')[0]?.turnId === 't2');
    expect(await processes(machine)).toEqual([]);
    // Delivered again, nobody is prompted again.
    server.deliver(turn(root, 't2', 'wait', 2), delivery);
    await eventually('done again', () => server.of('done').filter((one) => one.deliveryId === delivery).length === 2);
    expect(driver.calls.filter((call) => call.startsWith('turn'))).toEqual(['turn t2 wait']);
  });

  it('TURN13: a turn told to stop before its start was begun does not begin', async () => {
    const driver = new EchoDriver();
    const { machine, server, root, ring } = await machineWith(driver);
    await using _ = machine;
    await server.carryOut(turn(root, 't1', 'hello'));
    await eventually('the end', () => server.factsOf('turn.ended').length === 1);
    driver.silent.add('mode');
    const machineTwo = await machine.run();
    expect(machineTwo.roots).toEqual([root]);
    const mode = server.deliver({ type: 'mode.set', sessionId, mode: 'auto' });
    const start = server.deliver(turn(root, 't2', 'too late'));
    await server.carryOut(stop('t2'));
    expect(server.isDone(start)).toBe(false);
    expect(server.factsOf('turn.ended').at(-1)).toEqual({ turnId: 't2', outcome: 'stopped' });
    // The mode, which no driver answers, keeps the rest waiting for its time and no longer.
    await ring(callMs);
    await eventually('the start is done', () => server.isDone(mode) && server.isDone(start));
    expect(driver.calls.filter((call) => call.startsWith('turn'))).toEqual(['turn t1 hello']);
  });

  it('TURN13, TURN7: a stop that nobody answers ends the agent’s process by the holder; its driver still tells how it ended', async () => {
    const driver = new EchoDriver();
    const { machine, server, root, ring } = await machineWith(driver);
    await using _ = machine;
    driver.silent.add('stop');
    await server.carryOut(turn(root, 't1', 'wait'));
    await spoken(machine, `${sessionId}.1`);
    server.deliver(stop('t1'));
    await ring(stopMs);
    await eventually('over', () => server.factsOf('turn.interrupted').length === 1);
    expect(server.factsOf('message.assistant').map(({ text }) => text)).toEqual(['waiting']);
    expect(await processes(machine)).toEqual([]);
  });

  it('TURN13: where the driver does not tell of the end another reads it; where none does, what was shown is kept', async () => {
    const driver = new EchoDriver();
    const { machine, server, root, ring } = await machineWith(driver);
    await using _ = machine;
    driver.silent.add('stop').add('end');
    driver.isSilent = (number) => number === 1;
    await server.carryOut(turn(root, 't1', 'wait'));
    await spoken(machine, `${sessionId}.1`);
    const stopping = server.deliver(stop('t1'));
    await ring(stopMs);
    await ring(endMs);
    await eventually('over', () => server.factsOf('turn.interrupted').length === 1);
    expect(driver.calls.filter((call) => call.startsWith('attach'))).toHaveLength(1);
    expect(server.factsOf('message.assistant')).toHaveLength(1);
    await eventually('done', () => server.isDone(stopping));
    driver.isSilent = () => true;
    await server.carryOut(turn(root, 't2', 'wait', 2));
    server.deliver(stop('t2'));
    await ring(stopMs);
    await ring(endMs);
    await ring(endMs);
    await eventually('over', () => server.factsOf('turn.interrupted').length === 2);
    expect(server.factsOf('message.assistant').at(-1)).toMatchObject({ partial: true, text: `${sessionId}.2` });
    await eventually(
      'forgotten',
      async () => (await machine.holder.list()).ok && (await processes(machine)).length === 0,
    );
  });

  it('TURN13: a runner that leaves before the turn is over leaves its stop to the next', async () => {
    const driver = new EchoDriver();
    const { machine, runner, server, root } = await machineWith(driver);
    await using _ = machine;
    driver.silent.add('stop');
    await server.carryOut(turn(root, 't1', 'wait'));
    const delivery = server.deliver(stop('t1'));
    await server.carryOut({
      type: 'approval.apply',
      sessionId,
      approvalId: 'a',
      toolCallId: 'c',
      answer: { decision: 'deny' },
    });
    expect(server.isDone(delivery)).toBe(false);
    await runner.close();
    driver.silent.clear();
    await machine.run();
    server.deliver(stop('t1'), delivery);
    await eventually('the end', () => server.factsOf('turn.ended')[0]?.outcome === 'stopped');
  });

  it('TURN13: ending the session does not wait behind a start, and ends what no driver ends', async () => {
    const driver = new EchoDriver();
    const { machine, server, root, ring } = await machineWith(driver);
    await using _ = machine;
    driver.silent.add('prompt').add('stop').add('end');
    server.deliver(turn(root, 't1', 'wait'));
    await eventually('handed', () => driver.calls.includes('turn t1 wait'));
    server.deliver({ type: 'session.stop', sessionId });
    await ring(stopMs);
    await ring(endMs);
    await ring(endMs);
    await eventually('ended', () => server.factsOf('session.ended').length === 1);
    await eventually('forgotten', async () => (await processes(machine)).length === 0);
  });

  it('TURN13: ending the session while a process is to be started ends the start first', async () => {
    const driver = new EchoDriver();
    const { machine, server, root, ring } = await machineWith(driver);
    await using _ = machine;
    driver.silent.add('start');
    server.deliver(turn(root, 't1', 'wait'));
    await eventually('starting', () => driver.calls.length === 1);
    server.deliver({ type: 'session.stop', sessionId });
    await ring(stopMs);
    await ring(endMs);
    await ring(endMs);
    await eventually('ended', () => server.factsOf('session.ended').length === 1);
    expect(typesOf(machine)).toEqual(['session.started', 'turn.ended', 'session.ended']);
  });
});

/** Opens its session; at a prompt says a little, begins a tool that starts a child, and hears nothing any more. */
const deafAgent = `
trap '' TERM HUP INT
while read -r line; do
  id=$(sed -n 's/.*"id":"\\([^"]*\\)".*/\\1/p' <<< "$line")
  case "$line" in
    *'"initialize"'*) echo '{"jsonrpc":"2.0","id":"'$id'","result":{"protocolVersion":1,"agentCapabilities":{}}}' ;;
    *'"session/new"'*) echo '{"jsonrpc":"2.0","id":"'$id'","result":{"sessionId":"c"}}' ;;
    *'"session/prompt"'*)
      update() { echo '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"c","update":'"$1"'}}'; }
      update '{"sessionUpdate":"tool_call","toolCallId":"c1","title":"sleep","kind":"execute","status":"in_progress"}'
      update '{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"I will just"}}'
      sleep 1007 ;;
  esac
done
sleep 1007
`;

describe('an agent that never answers', () => {
  it('TURN13, TURN7: Stop ends its process group by force, keeps its partial text, and names the tool that was running', async () => {
    const command = { file: '/bin/bash', args: ['-c', deafAgent], env: { PATH: process.env['PATH'] ?? '' } };
    const driver = createAcpDriver({
      provider: 'deaf',
      name: 'Deaf',
      description: '',
      command,
      patience: { stopMs: 600_000 },
    });
    const { machine, server, root, ring } = await machineWith(driver);
    await using _ = machine;
    await server.carryOut(turn(root, 't1', 'go', 1, 'deaf'));
    await eventually('writing', () => server.of('preview').some(({ preview }) => preview.text.includes('I will just')));
    server.deliver(stop('t1'));
    await ring(stopMs);
    await eventually('over', () => server.factsOf('turn.ended').length === 1);
    expect(server.factsOf('turn.ended')).toEqual([{ turnId: 't1', outcome: 'stopped' }]);
    expect(server.factsOf('tool.started')).toMatchObject([{ toolCallId: 'c1' }]);
    expect(server.factsOf('message.assistant')).toMatchObject([{ text: 'I will just', partial: true }]);
    expect(await processes(machine)).toEqual([]);
  });
});
