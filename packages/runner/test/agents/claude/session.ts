/** A session with the real Claude Code, the scripted model and a holder: what the runner would be to the driver. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import type { HeldProcess, Holder } from '@holdfast/holder/process.ts';
import { ensureHolder } from '@holdfast/holder/launch.ts';
import type { FactData, FactDraft, FactType } from '@holdfast/protocol/fact.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import type { AgentMode } from '@holdfast/protocol/session.ts';
import type {
  AgentDriver,
  AgentMeta,
  AttachedAgent,
  DriverContext,
  TurnRequest,
} from '@holdfast/runner/agents/driver.ts';
import { createClaudeDriver } from '@holdfast/runner/agents/claude/driver.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { startScriptedModel, type Script, type ScriptedModel } from '@holdfast/testkit/model/scripted-model.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';

interface Told {
  readonly position: number;
  readonly facts: readonly FactDraft[];
}

export interface SessionOptions {
  readonly mode?: AgentMode;
  readonly environment?: Readonly<Record<string, string>>;
  /** Milliseconds; see the driver's. */
  readonly patience?: number;
}

export class Session implements AsyncDisposable {
  readonly directory: ReturnType<typeof temporaryDirectory>;
  readonly workspace: string;
  /** Where files that go with messages lie. */
  readonly filesDirectory: string;
  readonly told: Told[] = [];
  readonly previews: Preview[] = [];
  /** What drivers gave the holder for the process, in order. */
  readonly writes: { readonly text: string; readonly token: string | undefined }[] = [];
  readonly model: ScriptedModel;
  readonly driver: AgentDriver;
  meta: AgentMeta;
  ended: { position: number; exitCode: number | null; signal: string | null } | null = null;
  #holder: Holder;
  #agent: AttachedAgent | null = null;
  #turns = 0;

  static async open(script: Script, options: SessionOptions = {}): Promise<Session> {
    const directory = temporaryDirectory();
    const holder = await connectHolder(directory.path);
    return new Session(directory, holder, await startScriptedModel({ script }), options);
  }

  constructor(
    directory: ReturnType<typeof temporaryDirectory>,
    holder: Holder,
    model: ScriptedModel,
    options: SessionOptions,
  ) {
    this.directory = directory;
    this.workspace = join(directory.path, 'workspace');
    this.filesDirectory = join(directory.path, 'uploads');
    this.#holder = holder;
    this.model = model;
    mkdirSync(this.workspace);
    this.meta = {
      sessionId: 's1',
      generation: 1,
      cwd: this.workspace,
      agent: { provider: 'claude', mode: options.mode ?? 'agent' },
      conversationId: null,
      turn: null,
      allowedTools: [],
    };
    this.driver = createClaudeDriver({
      environment: {
        PATH: process.env['PATH'] ?? '',
        HOME: this.directory.path,
        CLAUDE_CONFIG_DIR: join(this.directory.path, 'config'),
        ANTHROPIC_API_KEY: 'test-key',
        ANTHROPIC_BASE_URL: model.url,
        ...options.environment,
      },
      ...(options.patience === undefined ? {} : { patience: options.patience }),
    });
  }

  get agent(): AttachedAgent {
    if (this.#agent === null) throw new Error('no driver is attached');
    return this.#agent;
  }

  get processId(): string {
    return `${this.meta.sessionId}.${this.meta.generation}`;
  }

  /** Everything stored, in order. */
  get facts(): FactDraft[] {
    return this.told.flatMap((entry) => entry.facts);
  }

  get lastPosition(): number {
    return this.told.at(-1)?.position ?? 0;
  }

  async start(): Promise<void> {
    const started = await this.driver.start(this.processId, this.#context());
    if (!started.ok) throw new Error(started.error.message);
    this.#agent = started.value;
  }

  /** The runner dies; another one goes on from what is stored. */
  async reattach(from = this.lastPosition): Promise<void> {
    await this.leave();
    this.#agent = this.driver.attach(await this.held(), from, this.#context());
  }

  /** The runner dies: its driver, and its connection to the holder. */
  async leave(): Promise<void> {
    this.agent.detach();
    this.#holder.close();
    this.#holder = await connectHolder(this.directory.path);
  }

  /** What the holder knows of the agent's process. */
  async held(): Promise<HeldProcess> {
    const processes = await this.#holder.list();
    const held = processes.ok ? processes.value.find(({ id }) => id === this.processId) : undefined;
    if (held === undefined) throw new Error('the process is not in the holder');
    return held;
  }

  /** What the agent has said and the holder still keeps. */
  async said(): Promise<string> {
    const { start, end } = (await this.held()).streams.out;
    const { promise, resolve } = Promise.withResolvers<string>();
    let text = '';
    const reading = this.#holder.read(this.processId, 'out', start, {
      data: (offset, bytes) => {
        text += Buffer.from(bytes).toString('utf8');
        if (offset + bytes.byteLength >= end) resolve(text);
      },
      gap: () => undefined,
      end: () => resolve(text),
    });
    if (start >= end) resolve(text);
    return promise.finally(() => reading.close());
  }

  /** The next turn, as the runner has noted it before it hands it over. */
  nextTurn(text: string, files: TurnRequest['files'] = []): TurnRequest {
    this.#turns += 1;
    const turn = { turnId: `t${this.#turns}`, messageId: `m${this.#turns}` };
    this.meta = { ...this.meta, turn: { ...turn, deliveryId: this.#turns } };
    return { ...turn, text, files };
  }

  /** Hands over a prompt; answers its turn's id. */
  async send(text: string, files: TurnRequest['files'] = []): Promise<string> {
    const turn = this.nextTurn(text, files);
    const started = await this.agent.startTurn(turn);
    if (!started.ok) throw new Error(started.error.message);
    return turn.turnId;
  }

  of<T extends FactType>(type: T): FactData<T>[] {
    return this.facts.filter((fact) => fact.type === type).map((fact) => fact.data as FactData<T>);
  }

  /** The nth (from 1) fact of a type, once it is there. */
  async fact<T extends FactType>(type: T, nth = 1): Promise<FactData<T>> {
    try {
      return await eventually(`${type} ${nth}`, () => this.of(type)[nth - 1]);
    } catch (cause) {
      const seen = { facts: this.facts, ended: this.ended, modelRequests: this.model.requests.length };
      throw new Error(`no ${type} ${nth}; instead ${JSON.stringify(seen).slice(0, 4_000)}`, { cause });
    }
  }

  get types(): FactType[] {
    return this.facts.map((fact) => fact.type);
  }

  /** The text of a block as a reader of the previews has it. */
  previewOf(blockId: string): string {
    return this.previews
      .filter((preview) => preview.blockId === blockId)
      .reduce((text, preview) => text.slice(0, preview.offset) + preview.text, '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent?.detach();
    await this.#holder.shutdown();
    this.#holder.close();
    await this.model.close();
    this.directory[Symbol.dispose]();
  }

  /** As the runner notes the turns that the agent begins by itself. */
  #note({ type, data }: FactDraft, position: number): void {
    if (type === 'turn.started') this.meta = { ...this.meta, turn: { turnId: data.turnId, position } };
    else if (type === 'turn.ended' && this.meta.turn !== null && 'position' in this.meta.turn) {
      this.meta = { ...this.meta, turn: null, lastTurnId: data.turnId };
    }
  }

  #recording(holder: Holder): Holder {
    return new Proxy(holder, {
      get: (target, name: keyof Holder) => {
        if (name === 'maximumWriteBytes') return target.maximumWriteBytes;
        if (name !== 'write') return target[name].bind(target) as unknown;
        return (id: string, bytes: Uint8Array, token?: string) => {
          this.writes.push({ text: Buffer.from(bytes).toString('utf8'), token });
          return target.write(id, bytes, token);
        };
      },
    });
  }

  #context(): DriverContext {
    return {
      meta: this.meta,
      filesDirectory: this.filesDirectory,
      holder: this.#recording(this.#holder),
      log: pino({ level: process.env['TEST_LOG'] ?? 'silent' }),
      events: {
        facts: (position, facts) => {
          if (position <= this.lastPosition) throw new Error(`position ${position} was used before`);
          this.told.push({ position, facts });
          for (const fact of facts) this.#note(fact, position);
        },
        preview: (preview) => this.previews.push(preview),
        updateMeta: (change) => {
          this.meta = { ...this.meta, ...change };
          return Promise.resolve();
        },
        ended: (position, exit) => {
          if (position <= this.lastPosition) throw new Error(`position ${position} was used before`);
          this.ended = { position, ...exit };
        },
      },
    };
  }
}

async function connectHolder(directory: string): Promise<Holder> {
  const connected = await ensureHolder({ dataDir: join(directory, 'holder') });
  if (!connected.ok) throw new Error(connected.error.message);
  return connected.value;
}
