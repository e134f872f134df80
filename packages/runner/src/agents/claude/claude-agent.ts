/**
 * One live Claude Code process with a driver on it. The SDK builds the command line and speaks the control protocol
 * through a proxy; what the agent says is read here, line by line, so that every fact has the position it came from.
 */
import type { CanUseTool, Options, Query, SDKUserMessage } from '@anthropic-ai/claude-agent-sdk';
import type { SpawnOptions } from '@anthropic-ai/claude-agent-sdk';
import { claudeSdk } from './sdk.ts';
import type { HeldProcess, HolderResult, PipeSpec, Reading } from '@holdfast/holder/process.ts';
import type { ApprovalAnswer } from '@holdfast/protocol/approval.ts';
import type { AgentMode } from '@holdfast/protocol/session.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import { fail, ok, type Result } from '@holdfast/protocol/error.ts';
import type { AgentMeta, AttachedAgent, DriverContext, TurnRequest } from '../driver.ts';
import { appliedProbe, approvalIdOf, hookReply, interruptFrame, isOwnRequestId, promptUuid } from './frame.ts';
import { HeldProcessProxy } from './held-process-proxy.ts';
import { LineSplitter, type Line } from './line-splitter.ts';
import { isControlFrame, parseMessage, type AgentMessage, type HookCall } from './message.ts';
import { sessionGrant } from '../session-grant.ts';
import { decidePermission, type Verdict } from './permission.ts';
import { permissionResult } from './permission-result.ts';
import { PreviewBuffer } from './preview-buffer.ts';
import { promptContent } from './prompt-content.ts';
import { PromptQueue } from './prompt-queue.ts';
import { PromptsForLeave } from './prompts-for-leave.ts';
import { parseSdkFrame, type SdkFrame } from './sdk-frame.ts';
import { hooksOfProcess, queryOptions } from './query-options.ts';
import { openPreviews, translate, translateEnd } from './translate.ts';
import { askToStop, beginTurn, goesOn, initialState, type TranslationState } from './translation-state.ts';

export interface ClaudeAgentOptions {
  readonly processId: string;
  readonly context: DriverContext;
  readonly environment: Record<string, string>;
  readonly executable: string | undefined;
  readonly remedy: string;
  /** Milliseconds each step of stopping may take before the next, harder one. */
  readonly patience: number;
}

/** Bytes of the agent's error output kept to say why it ended. */
const errorTail = 4 * 1024;
/** Milliseconds for the agent's answer to a control request. */
const controlPatience = 15_000;

type Written = Result<null>;
type Exit = NonNullable<HeldProcess['exit']>;

export class ClaudeAgent implements AttachedAgent {
  readonly #options: ClaudeAgentOptions;
  readonly #context: DriverContext;
  readonly #lines = new LineSplitter();
  readonly #previews: PreviewBuffer;
  readonly #prompts = new PromptQueue<SDKUserMessage>();
  readonly #leave = new PromptsForLeave();
  /** Prompts and answers on their way into the process, by uuid and approval id: a repeat gets the same outcome. */
  readonly #promptWrites = new Map<string, PromiseWithResolvers<Written>>();
  readonly #answerWrites = new Map<string, PromiseWithResolvers<Written>>();
  readonly #readings: Reading[] = [];
  readonly #unsubscribe: () => void;
  readonly #ended = Promise.withResolvers<void>();
  #meta: AgentMeta;
  #state: TranslationState;
  #proxy: HeldProcessProxy | null = null;
  #query: Query | null = null;
  #errorText = '';
  /** The agent has asked its open questions again; what it has not asked it will not ask. */
  #handshakeOver = false;
  /** Control frames that end before this were meant for an earlier driver. */
  #liveFrom = 0;
  /** Where the out stream ended, once it has. */
  #streamEnd: number | null = null;
  #exit: Exit | null = null;
  #stopTimer: NodeJS.Timeout | null = null;
  #stopped: Promise<void> | null = null;
  #phase: 'alive' | 'stopping' | 'ended' | 'detached' = 'alive';

  constructor(options: ClaudeAgentOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#meta = options.context.meta;
    this.#state = initialState(this.#meta, 0);
    this.#previews = new PreviewBuffer((preview) => this.#context.events.preview(preview));
    this.#unsubscribe = this.#context.holder.onExit((process) => {
      if (process.id === options.processId && process.exit !== null) this.#onExit(process.exit);
    });
  }

  /** Spawns the process. */
  async start(): Promise<HolderResult<HeldProcess>> {
    const { holder } = this.#context;
    const spawned = Promise.withResolvers<HolderResult<HeldProcess>>();
    const fails = (error: unknown): void =>
      spawned.resolve({ ok: false, error: { kind: 'spawn_failed', message: messageOf(error) } });
    const spawn = (options: SpawnOptions): void => {
      holder.spawn(this.#options.processId, pipeSpec(options), { ...this.#meta }).then(spawned.resolve, fails);
    };
    this.#connect({ hooks: hooksOfProcess }, spawn, fails);
    const result = await spawned.promise;
    if (result.ok) this.#read(0, 0);
    else this.detach();
    return result;
  }

  /** Goes on with a process that is there. from: everything before it is stored. */
  attach(process: HeldProcess, from: number): void {
    const { out, err } = process.streams;
    this.#state = initialState(this.#meta, from);
    this.#liveFrom = out.end;
    if (process.exit === null) {
      this.#connect(
        {},
        () => undefined,
        () => undefined,
      );
    } else {
      this.#exit = process.exit;
    }
    // Facts told after the process's end lie beyond its stream.
    this.#read(Math.min(from, out.end), err.start);
  }

  startTurn(turn: TurnRequest): Promise<Written> {
    // Whoever is refused because it is ending may start another process at once: so only when it has ended.
    if (this.#phase === 'stopping') return this.stop().then(gone);
    if (this.#phase !== 'alive' || this.#query === null) return Promise.resolve(gone());
    const uuid = promptUuid(turn.messageId);
    const repeated = this.#promptWrites.get(uuid);
    if (repeated !== undefined) return repeated.promise;
    if (this.#state.turn?.promptUuid === null) {
      return Promise.resolve(fail('conflict', 'The agent is in a turn that it began by itself.'));
    }
    this.#state = beginTurn(this.#state, turn);
    const written = Promise.withResolvers<Written>();
    this.#promptWrites.set(uuid, written);
    this.#prompt(turn, uuid).catch((error: unknown) => {
      written.resolve(fail('unavailable', `The message did not reach the agent: ${messageOf(error)}`));
    });
    return written.promise;
  }

  async #prompt(turn: TurnRequest, uuid: string): Promise<void> {
    const content = await promptContent(turn, this.#context.holder.maximumWriteBytes);
    this.#prompts.push({
      type: 'user',
      uuid: uuid as NonNullable<SDKUserMessage['uuid']>,
      session_id: this.#state.conversationId ?? '',
      parent_tool_use_id: null,
      message: { role: 'user', content },
    });
  }

  async stopTurn(turnId: string): Promise<Written> {
    const { turn } = this.#state;
    if (turn === null || turn.turnId !== turnId || turn.stopping || this.#phase !== 'alive') return ok(null);
    this.#state = askToStop(this.#state);
    // The prompt goes first: an interrupt before it would stop nothing.
    if (turn.promptUuid !== null) await this.#promptWrites.get(turn.promptUuid)?.promise;
    return this.#interrupt(turnId, 1);
  }

  async #interrupt(turnId: string, attempt: number): Promise<Written> {
    const written = await this.#write(interruptFrame(turnId, attempt));
    this.#stopTimer = setTimeout(() => {
      if (this.#state.turn?.turnId !== turnId || this.#phase !== 'alive') return;
      const next = attempt === 1 ? this.#interrupt(turnId, 2) : this.stop();
      next.catch((error: unknown) => this.#context.log.error({ err: error }, 'stopping the turn failed'));
    }, this.#options.patience);
    return written;
  }

  answer(approvalId: string, toolCallId: string, answer: ApprovalAnswer): Promise<Written> {
    const repeated = this.#answerWrites.get(approvalId);
    if (repeated !== undefined) return repeated.promise;
    if (this.#phase !== 'alive' || this.#query === null) return Promise.resolve(gone());
    const written = Promise.withResolvers<Written>();
    this.#answerWrites.set(approvalId, written);
    this.#giveAnswer(approvalId, toolCallId, answer, written).catch((error: unknown) => {
      written.resolve(fail('unavailable', `The answer did not reach the agent: ${messageOf(error)}`));
    });
    // What has failed may be tried again.
    return written.promise.then((result) => {
      if (!result.ok) this.#answerWrites.delete(approvalId);
      return result;
    });
  }

  async #giveAnswer(
    approvalId: string,
    toolCallId: string,
    answer: ApprovalAnswer,
    written: PromiseWithResolvers<Written>,
  ): Promise<void> {
    const asked = this.#leave.wait(approvalId);
    if (this.#handshakeOver) this.#giveUpWaiting();
    const prompt = await within(asked, controlPatience);
    if (prompt === null) {
      // An earlier driver gave the answer, or the question is gone; the probe tells where the agent is.
      const isTold = this.#state.applied.includes(approvalId);
      written.resolve(this.#phase !== 'alive' ? gone() : isTold ? ok(null) : await this.#writeProbe(approvalId));
      return;
    }
    if (answer.decision === 'allow' && answer.scope === 'session') {
      const grant = sessionGrant(prompt.tool, answer.updatedInput ?? prompt.input);
      if (!this.#meta.allowedTools.includes(grant)) {
        await this.#updateMeta({ allowedTools: [...this.#meta.allowedTools, grant] });
      }
    }
    this.#context.log.debug({ approvalId, toolCallId, decision: answer.decision }, 'approval answered');
    this.#leave.close(approvalId);
    // The SDK writes the answer; #writeForSdk resolves `written` when the holder has it.
    prompt.resolve(permissionResult(prompt, answer));
  }

  async setMode(mode: AgentMode): Promise<Written> {
    await this.#updateMeta({ agent: { ...this.#meta.agent, mode } });
    return ok(null);
  }

  async setModel(model: string): Promise<Written> {
    if (this.#query === null || this.#phase !== 'alive') return gone();
    try {
      await within(this.#query.setModel(model === 'default' ? undefined : model), controlPatience);
    } catch (error) {
      return fail('unavailable', `The agent did not take the model ${model}: ${messageOf(error)}`);
    }
    await this.#updateMeta({ agent: { ...this.#meta.agent, model } });
    return ok(null);
  }

  previews(): readonly Preview[] {
    return openPreviews(this.#state);
  }

  isBusy(): boolean {
    return goesOn(this.#state);
  }

  /** Asks it to end, then makes it: each step has the patience of the options. */
  async stop(): Promise<void> {
    if (this.#phase === 'alive') this.#phase = 'stopping';
    if (this.#phase === 'stopping') await (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    const { holder } = this.#context;
    const id = this.#options.processId;
    await this.#write(interruptFrame(this.#state.lastTurnId ?? '', 0));
    await holder.closeInput(id);
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (await this.#endsWithin(this.#options.patience)) return;
      await holder.signal(id, signal);
    }
    await this.#endsWithin(this.#options.patience);
  }

  detach(): void {
    if (this.#phase === 'detached') return;
    this.#phase = 'detached';
    this.#dispose();
    this.#ended.resolve();
  }

  #connect(
    ofProcess: Pick<Options, 'hooks'>,
    spawn: (options: SpawnOptions) => void,
    onFailure: (error: unknown) => void,
  ): void {
    const { environment, executable } = this.#options;
    this.#query = claudeSdk().query({
      prompt: this.#prompts,
      options: {
        ...queryOptions(this.#meta, this.#context.filesDirectory, environment, executable),
        ...ofProcess,
        canUseTool: this.#canUseTool,
        spawnClaudeCodeProcess: (options) => {
          this.#proxy = new HeldProcessProxy((line) => this.#writeForSdk(line));
          spawn(options);
          return this.#proxy;
        },
      },
    });
    this.#drain(this.#query).catch((error: unknown) => {
      // It throws whenever the process ends after an error; the stream tells what happened.
      this.#context.log.debug({ err: error }, 'the SDK gave up the agent');
      onFailure(error);
    });
    this.#query.initializationResult().then(
      // The open questions come with this answer; one turn of the loop later they are all here.
      () => setImmediate(() => this.#giveUpWaiting()),
      (error: unknown) => this.#context.log.debug({ err: error }, 'the agent did not answer the handshake'),
    );
  }

  async #drain(messages: Query): Promise<void> {
    while ((await messages.next()).done !== true);
  }

  #giveUpWaiting(): void {
    this.#handshakeOver = true;
    const live = Object.values(this.#state.requests).filter((request) => request.position > this.#liveFrom);
    this.#leave.giveUp((approvalId) => live.some((request) => request.approvalId === approvalId));
  }

  readonly #canUseTool: CanUseTool = (tool, input, { signal, toolUseID, requestId }) => {
    // Decided when the request was read: the person was asked then or not at all.
    const verdict = this.#state.requests[requestId]?.verdict ?? this.#decide(tool, input);
    if (verdict.decision === 'allow') return Promise.resolve({ behavior: 'allow', updatedInput: input });
    if (verdict.decision === 'deny') return Promise.resolve({ behavior: 'deny', message: verdict.message });
    const approvalId = approvalIdOf(toolUseID);
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        this.#leave.close(approvalId);
        resolve({ behavior: 'deny', message: 'The question was withdrawn.' });
      });
      this.#leave.open(approvalId, { toolCallId: toolUseID, tool, input, resolve });
    });
  };

  #decide(tool: string, input: Readonly<Record<string, unknown>>): Verdict {
    return decidePermission(this.#meta.agent.mode, this.#meta.allowedTools, tool, input);
  }

  /** One line of the SDK's for the process. */
  async #writeForSdk(line: string): Promise<void> {
    if (this.#phase === 'detached') return;
    const frame: SdkFrame = parseSdkFrame(line);
    if (frame.type === 'prompt') {
      const result = await this.#write(line, frame.uuid);
      const written = this.#promptWrites.get(frame.uuid);
      if (!result.ok) this.#promptWrites.delete(frame.uuid);
      written?.resolve(result);
    } else if (frame.type === 'answer') {
      const approvalId = approvalIdOf(frame.toolCallId);
      const written = this.#answerWrites.get(approvalId);
      const probe = written === undefined ? '' : appliedProbe(approvalId);
      const result = await this.#write(line + probe, `answer ${frame.requestId}`);
      written?.resolve(result);
    } else {
      await this.#write(line);
    }
  }

  /**
   * What the mode forbids must be asked for, and is refused there. The hook stays open in the agent while no driver is
   * there; the next one reads its line again, for the holder keeps it until what stands behind it is stored, which is
   * after this answer was written. The token makes the first answer the only one.
   */
  async #answerHook({ requestId, tool, input }: HookCall): Promise<void> {
    await this.#write(hookReply(requestId, this.#decide(tool, input).decision === 'deny'), `hook ${requestId}`);
  }

  #writeProbe(approvalId: string): Promise<Written> {
    return this.#write(appliedProbe(approvalId), `applied ${approvalId}`);
  }

  async #write(text: string, token?: string): Promise<Written> {
    const result = await this.#context.holder.write(this.#options.processId, Buffer.from(text), token);
    if (result.ok) return ok(null);
    this.#context.log.warn({ error: result.error }, 'writing to the agent failed');
    return fail('unavailable', `The agent did not get it: ${result.error.message}`);
  }

  #read(outFrom: number, errFrom: number): void {
    const { holder } = this.#context;
    const id = this.#options.processId;
    const out = holder.read(id, 'out', outFrom, {
      data: (offset, bytes) => {
        for (const line of this.#lines.push(offset, bytes)) if (this.#phase !== 'detached') this.#onLine(line);
      },
      gap: (from, to) => {
        this.#context.log.error({ from, to }, 'a part of what the agent said is lost');
        this.#lines.reset();
      },
      end: (offset) => {
        this.#streamEnd = offset;
        this.#endIfOver();
        // Its exit may have been told before this driver came.
        if (this.#exit === null) this.#inBackground(this.#lookForExit());
      },
    });
    const err = holder.read(id, 'err', errFrom, {
      data: (_offset, bytes) => {
        this.#errorText = (this.#errorText + Buffer.from(bytes).toString('utf8')).slice(-errorTail);
      },
      gap: () => undefined,
      end: () => undefined,
    });
    this.#readings.push(out, err);
  }

  #onLine({ text, end }: Line): void {
    const message = parseMessage(text);
    if (message === null) {
      this.#context.log.warn({ end, length: text.length }, 'the agent wrote a line that is no message');
      return;
    }
    if (message.type === 'other' && message.unreadable !== undefined) {
      this.#context.log.warn({ end, unreadable: message.unreadable }, 'the agent wrote a message of another shape');
    }
    if (message.type === 'hook_call') return this.#inBackground(this.#answerHook(message));
    const before = this.#state;
    const { state, facts, previews } = translate(before, message, {
      position: end,
      processId: this.#options.processId,
      generation: this.#meta.generation,
      remedy: this.#options.remedy,
      decide: (tool, input) => this.#decide(tool, input),
    });
    this.#state = state;
    for (const fact of facts) if (fact.type === 'message.assistant') this.#previews.drop(fact.data.blockId);
    for (const preview of previews) this.#previews.add(preview);
    if (facts.length > 0) this.#context.events.facts(end, facts);
    if (isControlFrame(message) && end > this.#liveFrom && !isOwnAnswer(message)) this.#proxy?.deliver(text);
    this.#react(before, state);
  }

  #react(before: TranslationState, after: TranslationState): void {
    if (after.turn === null && this.#stopTimer !== null) clearTimeout(this.#stopTimer);
    if (after.conversationId !== before.conversationId) {
      this.#inBackground(this.#updateMeta({ conversationId: after.conversationId }));
    }
    // Its environment cannot change: the next turn needs a process that has the new login.
    if (after.unauthenticated && !before.unauthenticated) this.#inBackground(this.stop());
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => this.#context.log.error({ err: error }, 'work on the agent failed'));
  }

  async #updateMeta(change: Partial<AgentMeta>): Promise<void> {
    this.#meta = { ...this.#meta, ...change };
    if (this.#phase !== 'detached') await this.#context.events.updateMeta(change);
  }

  async #lookForExit(): Promise<void> {
    const processes = await this.#context.holder.list();
    const exit = processes.ok ? processes.value.find(({ id }) => id === this.#options.processId)?.exit : undefined;
    if (exit !== undefined && exit !== null) this.#onExit(exit);
  }

  #onExit(exit: Exit): void {
    this.#exit = exit;
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#exit === null || this.#streamEnd === null) return;
    if (this.#phase === 'ended' || this.#phase === 'detached') return;
    const { exitCode, signal, leftovers } = this.#exit;
    this.#phase = 'ended';
    this.#previews.flush();
    // No line ends here, so these two positions are free, and the same for every driver.
    const facts = translateEnd(this.#state);
    if (facts.length > 0) this.#context.events.facts(this.#streamEnd + 1, facts);
    if (exitCode !== 0) this.#context.log.warn({ exitCode, signal, stderr: this.#errorText }, 'the agent ended');
    this.#context.events.ended(this.#streamEnd + 2, { exitCode, signal, leftovers });
    this.#proxy?.exit(exitCode, signal);
    this.#dispose();
    this.#ended.resolve();
  }

  #dispose(): void {
    if (this.#stopTimer !== null) clearTimeout(this.#stopTimer);
    for (const reading of this.#readings) reading.close();
    this.#unsubscribe();
    this.#previews.dispose();
    this.#prompts.close();
    this.#query?.close();
    this.#leave.giveUp(() => false);
    for (const written of this.#promptWrites.values()) written.resolve(gone());
    for (const written of this.#answerWrites.values()) written.resolve(gone());
  }

  async #endsWithin(milliseconds: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), milliseconds)));
    const ended = await Promise.race([this.#ended.promise.then(() => true), late]);
    clearTimeout(timer);
    return ended;
  }
}

const gone = (): Written => fail('unavailable', 'The agent’s process has ended or is ending.');

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const isOwnAnswer = (message: AgentMessage): boolean =>
  message.type === 'control_response' && isOwnRequestId(message.response.request_id);

function pipeSpec(options: SpawnOptions): PipeSpec {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.env)) if (value !== undefined) env[name] = value;
  return { kind: 'pipe', file: options.command, args: options.args, cwd: options.cwd ?? '/', env };
}

async function within<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${milliseconds} ms`)), milliseconds);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
