/** A machine for tests: a real holder in a directory of its own, runners on it, and the server's end of their link. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { pino } from 'pino';
import { ensureHolder } from '@holdfast/holder/launch.ts';
import type { Holder } from '@holdfast/holder/process.ts';
import { memoryChannelPair } from '@holdfast/link/channel.ts';
import type { Channel } from '@holdfast/link/channel.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import type { FactData, FactDraft } from '@holdfast/protocol/fact.ts';
import type {
  Instruction,
  Report,
  RunnerAnswer,
  RunnerQuestion,
  ToRunner,
  ToServer,
} from '@holdfast/protocol/runner.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import type { After } from '@holdfast/runner/after.ts';
import type { AgentPatience } from '@holdfast/runner/agents/call-clock.ts';
import type { AgentDriver } from '@holdfast/runner/agents/driver.ts';
import { createRunner } from '@holdfast/runner/runner.ts';
import type { Runner } from '@holdfast/runner/runner.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';

type Message<T extends ToServer['type']> = Extract<ToServer, { type: T }>;

/** What a server does with a link, as little as possible: stores reports once, acknowledges, remembers. */
export class ServerEnd {
  readonly messages: ToServer[] = [];
  readonly facts: { sessionId: string; fact: FactDraft }[] = [];
  readonly reports: Report[] = [];
  /** Output taken so far, and where it began. */
  output = Buffer.alloc(0);
  outputStart = 0;
  storing = true;
  taking = true;
  #channel: Channel<ToRunner, ToServer> | null = null;
  readonly #positions = new Map<string, number>();
  #deliveryId = 0;

  /** The runner's end of a new link. */
  link(): Channel<ToServer, ToRunner> {
    const [runnerEnd, serverEnd] = memoryChannelPair<ToServer, ToRunner>();
    this.#channel = serverEnd;
    serverEnd.onMessage((message) => this.#receive(message));
    return runnerEnd;
  }

  unlink(): void {
    this.#channel?.close();
  }

  send(message: ToRunner): void {
    this.#channel?.send(message);
  }

  deliver(instruction: Instruction, deliveryId = ++this.#deliveryId): number {
    this.#deliveryId = Math.max(this.#deliveryId, deliveryId);
    this.send({ type: 'deliver', deliveryId, instruction });
    return deliveryId;
  }

  /** Delivers and waits until it is done. */
  async carryOut(instruction: Instruction): Promise<number> {
    const deliveryId = this.deliver(instruction);
    await eventually(`delivery ${deliveryId} is done`, () => this.isDone(deliveryId));
    return deliveryId;
  }

  isDone(deliveryId: number): boolean {
    return this.of('done').some((message) => message.deliveryId === deliveryId);
  }

  async ask<T extends RunnerQuestion['type']>(question: Extract<RunnerQuestion, { type: T }>) {
    const requestId = randomUUID();
    this.send({ type: 'ask', requestId, question });
    const answer = await eventually('an answer', () =>
      this.of('answer').find((message) => message.requestId === requestId),
    );
    return answer.result as Result<RunnerAnswer<T>>;
  }

  async text(sessionId: string): Promise<string> {
    const answer = await this.ask({ type: 'screen', sessionId });
    if (!answer.ok) throw new Error(answer.error.message);
    return answer.value.text;
  }

  of<T extends ToServer['type']>(type: T): Message<T>[] {
    return this.messages.filter((message): message is Message<T> => message.type === type);
  }

  factsOf<T extends FactDraft['type']>(type: T): FactData<T>[] {
    return this.facts.flatMap(({ fact }) => (fact.type === type ? [fact.data as FactData<T>] : []));
  }

  #receive(message: ToServer): void {
    if (message.type !== 'tty') this.messages.push(message);
    switch (message.type) {
      case 'hello':
        this.send({ type: 'welcome', protocolVersion, runnerId: message.runnerId });
        return;
      case 'report':
        if (this.storing) this.#store(message.report);
        return;
      case 'ttyOpened':
        this.outputStart = message.first;
        this.output = Buffer.alloc(0);
        return;
      case 'tty':
        this.output = Buffer.concat([this.output, message.data]);
        if (this.taking) {
          const offset = message.offset + message.data.length;
          this.send({ type: 'ttyTaken', sessionId: message.sessionId, offset });
        }
        return;
      default:
        return;
    }
  }

  #store(report: Report): void {
    const { sessionId, source, position } = report;
    const key = `${sessionId} ${source}`;
    if (position > (this.#positions.get(key) ?? -1)) {
      this.#positions.set(key, position);
      this.reports.push(report);
      for (const fact of report.facts) this.facts.push({ sessionId, fact });
    }
    this.send({ type: 'stored', sessionId, source, position });
  }
}

export interface Machine {
  readonly holder: Holder;
  readonly server: ServerEnd;
  readonly root: string;
  readonly dataDir: string;
  /** A new runner, linked; the one before is dropped as if killed: its holder connection is cut. */
  run(): Promise<Runner>;
  [Symbol.asyncDispose](): Promise<void>;
}

const log = pino({ level: process.env['TEST_LOG'] ?? 'silent' });

export async function startMachine(
  options: {
    drivers?: readonly AgentDriver[];
    environment?: Record<string, string>;
    stopPatience?: number;
    agentIdleMs?: number;
    agentPatience?: Partial<AgentPatience>;
    after?: After;
  } = {},
): Promise<Machine> {
  const directory = temporaryDirectory();
  const dataDir = join(directory.path, 'data');
  const root = join(directory.path, 'root');
  const server = new ServerEnd();
  const connections: Holder[] = [];
  const connect = async (): Promise<Holder> => {
    const holder = await ensureHolder({ dataDir });
    if (!holder.ok) throw new Error(holder.error.message);
    connections.push(holder.value);
    return holder.value;
  };
  const holder = await connect();
  let current: Holder | null = null;
  return {
    holder,
    server,
    root,
    dataDir,
    run: async () => {
      current?.close();
      current = await connect();
      const runner = await createRunner({
        runnerId: 'machine',
        name: 'a machine',
        dataDir,
        uploadsDirectory: join(directory.path, 'uploads'),
        roots: [root],
        holder: current,
        drivers: options.drivers ?? [],
        environment: {
          PATH: process.env['PATH'],
          HOME: root,
          SHELL: '/bin/bash',
          HOLDFAST_SECRET: 'secret',
          DATABASE_URL: 'secret',
          ...options.environment,
        },
        log,
        stopPatience: options.stopPatience ?? 500,
        ...(options.after === undefined ? {} : { after: options.after }),
        ...(options.agentPatience === undefined ? {} : { agentPatience: options.agentPatience }),
        ...(options.agentIdleMs === undefined ? {} : { agentIdleMs: options.agentIdleMs }),
      });
      if (!runner.ok) throw new Error(runner.error.message);
      runner.value.connect(server.link());
      await eventually('hello', () => server.of('hello').length > 0);
      return runner.value;
    },
    [Symbol.asyncDispose]: async () => {
      await holder.shutdown();
      for (const connection of connections) connection.close();
      directory[Symbol.dispose]();
    },
  };
}

/** Starts a shell without the person's start files, whose prompt is "$ ". */
export function startTerminal(sessionId: string, cwd: string, cols = 80, rows = 24): Instruction {
  return {
    type: 'terminal.start',
    sessionId,
    generation: 1,
    cwd,
    terminal: { shell: 'bash', args: ['--noprofile', '--norc', '-i'], env: { PS1: '$ ' }, cols, rows },
  };
}
