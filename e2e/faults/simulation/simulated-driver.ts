/** The driver of the simulated agent: what it says are facts already. Keeps the contract of the runner's driver.ts. */
import type { AgentDriver, AttachedAgent, DriverContext } from '@holdfast/runner/agents/driver.ts';
import type { HeldProcess } from '@holdfast/holder/process.ts';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { type AgentInput, isOwn } from './simulated-agent.ts';
import type { SimulatedHolder } from './simulated-holder.ts';

export function simulatedDriver(readLines: SimulatedHolder['readLines']): AgentDriver {
  return {
    provider: 'simulated',
    info: () => Promise.reject(new Error('nobody asks')),
    start: async (processId, context) => {
      const spec = { kind: 'pipe', file: 'agent', args: [], cwd: context.meta.cwd, env: {} } as const;
      const spawned = await context.holder.spawn(processId, spec, { ...context.meta });
      if (!spawned.ok) return fail('agent_unavailable', spawned.error.message);
      return ok(attach(processId, 0, context, readLines));
    },
    attach: (process: HeldProcess, from, context) => {
      const attached = attach(process.id, from, context, readLines);
      const asked = write(context, process.id, { type: 'attached' });
      asked.catch((error: unknown) => context.log.error({ err: error }, 'the agent was not told of its new driver'));
      return attached;
    },
  };
}

function attach(
  processId: string,
  from: number,
  context: DriverContext,
  readLines: SimulatedHolder['readLines'],
): AttachedAgent {
  const { holder, events } = context;
  const close = { call: (): void => undefined };
  const { turn } = context.meta;
  const reading = new Reading(
    turn !== null && 'position' in turn && turn.position > from ? null : (turn?.turnId ?? null),
  );
  let detached = false;
  // What was said before is told after this call, as a reader of a socket would.
  queueMicrotask(() => {
    if (detached) return;
    close.call = readLines(processId, from, {
      line: (end, facts) => !detached && events.facts(end, reading.told(facts)),
      end: (end) => !detached && events.ended(end + 1, { exitCode: 1, signal: null }),
    });
  });
  return {
    startTurn: ({ turnId, text }) => {
      if (reading.turnId !== null && isOwn(reading.turnId)) {
        return Promise.resolve(fail('conflict', 'The agent is in a turn that it began by itself.'));
      }
      reading.turnId = turnId;
      return write(context, processId, { type: 'prompt', turnId, text }, `prompt:${turnId}`);
    },
    stopTurn: (turnId) => write(context, processId, { type: 'stop', turnId }),
    answer: (approvalId) => write(context, processId, { type: 'answer', approvalId }),
    setMode: async () => ok(null),
    setModel: async () => ok(null),
    previews: () => [],
    stop: async () => {
      await holder.signal(processId, 'SIGTERM');
    },
    detach: () => {
      detached = true;
      close.call();
    },
  };
}

/** What it begins by itself while the person's turn is open belongs to that one, as with Claude Code (TURN18). */
class Reading {
  turnId: string | null;
  /** Under way within the person's turn. */
  #within: string | null = null;

  constructor(turnId: string | null) {
    this.turnId = turnId;
  }

  told(facts: readonly FactDraft[]): FactDraft[] {
    return facts.flatMap((fact) => this.#told(fact));
  }

  #told(fact: FactDraft): FactDraft[] {
    if (!('turnId' in fact.data) || fact.data.turnId === null) return [fact];
    const { turnId } = fact.data;
    if (fact.type === 'turn.started') {
      if (this.turnId !== null) {
        this.#within = turnId;
        return [];
      }
      this.turnId = turnId;
    } else if (fact.type === 'turn.ended') {
      if (turnId === this.#within) {
        this.#within = null;
        return [];
      }
      if (turnId === this.turnId) this.turnId = null;
    } else if (turnId === this.#within) {
      return [{ ...fact, data: { ...fact.data, turnId: this.turnId ?? turnId } } as FactDraft];
    }
    return [fact];
  }
}

async function write(
  { holder }: DriverContext,
  processId: string,
  input: AgentInput,
  token?: string,
): Promise<Result<null>> {
  const written = await holder.write(processId, Buffer.from(JSON.stringify(input)), token);
  return written.ok ? ok(null) : fail('agent_unavailable', written.error.message);
}
