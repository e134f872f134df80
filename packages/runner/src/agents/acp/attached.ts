/**
 * A driver on a live agent process. Everything that happens (a line read, a call from outside, the end) is handled one
 * after the other, and what a later driver has to know is in the holder before anything is told or written.
 */
import { randomUUID } from 'node:crypto';
import type { ApprovalAnswer } from '@holdfast/protocol/approval.ts';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { AgentMode } from '@holdfast/protocol/session.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import type { HeldProcess, HolderResult, Reading } from '@holdfast/holder/process.ts';
import type { CancelNotification, PromptRequest } from '@agentclientprotocol/sdk';
import type { AgentMeta, AttachedAgent, DriverContext, TurnRequest } from '../driver.ts';
import { sessionGrant } from '../session-grant.ts';
import { closeBlock } from './block.ts';
import { endProcess, within } from './end-process.ts';
import { formReply } from './form.ts';
import { beginHandshake, continueHandshake, modeMessage, modelMessage } from './handshake.ts';
import { type Line, LineSplitter } from './lines.ts';
import { type AgentQuirks, permissionReply } from './permission.ts';
import { promptBlocks } from './prompt.ts';
import { answerToken, cancelResult, putRequest } from './request.ts';
import {
  type AcpState,
  type AgentRequest,
  beginTurn,
  emptyState,
  notesOf,
  notesSchema,
  openTurnOf,
  stateAt,
} from './state.ts';
import type { Reply, Step } from './step.ts';
import { promptId, translate } from './translate.ts';
import { type Incoming, type Outgoing, encodeMessage, parseLine } from './wire.ts';

export interface AcpSettings {
  /** What people call the agent. */
  readonly name: string;
  readonly quirks: AgentQuirks;
  /** Longest line read, in bytes; a longer one is left out. */
  readonly lineLimit: number;
  /** Milliseconds an agent may take to end a turn after it was told to. Then its process is ended. */
  readonly stopMs: number;
  /** Milliseconds for each step of ending the process. */
  readonly politeMs: number;
  /** Milliseconds an agent may take to confirm a new mode or model. */
  readonly settingMs: number;
}

export class AcpAgent implements AttachedAgent {
  /** How opening the session came out. */
  readonly ready: Promise<Result<null>>;
  /** The process is gone. */
  readonly exited: Promise<void>;
  readonly #ready = Promise.withResolvers<Result<null>>();
  readonly #exited = Promise.withResolvers<void>();
  readonly #processId: string;
  readonly #context: DriverContext;
  readonly #settings: AcpSettings;
  readonly #lines: LineSplitter;
  readonly #reading: Reading;
  readonly #unlisten: () => void;
  /** Requests of this driver alone, by id. */
  readonly #waiting = new Map<string, (answer: Incoming & { type: 'answer' }) => void>();
  #state: AcpState;
  #mode: AgentMode;
  #allowedTools: readonly string[];
  /** What the holder has of the state, as JSON. */
  #saved: string;
  #preview: Preview | null = null;
  #queue: Promise<void> = Promise.resolve();
  #exit: NonNullable<HeldProcess['exit']> | null;
  #allRead = false;
  #detached = false;
  #stopTimer: NodeJS.Timeout | undefined;

  constructor(process: HeldProcess, from: number, context: DriverContext, settings: AcpSettings) {
    this.ready = this.#ready.promise;
    this.exited = this.#exited.promise;
    this.#processId = process.id;
    this.#context = context;
    this.#settings = settings;
    this.#mode = context.meta.agent.mode;
    this.#allowedTools = context.meta.allowedTools;
    const notes = notesSchema.safeParse(context.meta.driver);
    const { generation } = context.meta;
    const known = notes.success && notes.data.generation === generation;
    this.#state = known ? stateAt(notes.data, from) : emptyState(generation);
    this.#saved = JSON.stringify(notesOf(this.#state));
    this.#exit = process.exit;
    if (process.exit !== null) this.#exited.resolve();
    // Beyond its end lies only the position that the end itself was told at.
    const begin = Math.min(from, process.streams.out.end);
    this.#lines = new LineSplitter(begin, settings.lineLimit);
    this.#unlisten = context.holder.onExit((gone) => {
      if (gone.id === this.#processId) this.#onExit(gone);
    });
    void this.#inTurn('open', () => this.#begin());
    this.#reading = context.holder.read(process.id, 'out', begin, {
      data: (_offset, bytes) => this.#inTurn('read', () => this.#read(bytes)),
      gap: (_from, to) => void this.#inTurn('gap', () => this.#skip(to)),
      end: () => {
        this.#allRead = true;
        void this.#inTurn('end', () => this.#finish());
      },
      unreadable: (message) => {
        context.log.error({ processId: process.id, message }, 'the agent’s process is not in the holder');
        this.detach();
      },
    });
  }

  async startTurn(turn: TurnRequest): Promise<Result<null>> {
    const ready = await this.ready;
    if (!ready.ok) return ready;
    return this.#call(async () => {
      const { session, turn: last } = this.#state;
      const open = openTurnOf(this.#state);
      if (session === null) return fail('unavailable', 'The agent has no session.');
      if (last?.turnId === turn.turnId && open === null) return ok(null);
      if (open !== null && open.turnId !== turn.turnId) return fail('conflict', 'Another turn is under way.');
      if (open === null) {
        this.#state = beginTurn(this.#state, turn.turnId, this.#lines.end);
        await this.#save();
      }
      const { maximumWriteBytes } = this.#context.holder;
      const prompt = await promptBlocks(turn, this.#state.takesImages, maximumWriteBytes);
      const params: PromptRequest = { sessionId: session.id, prompt };
      const message: Outgoing = { id: promptId(turn.turnId), method: 'session/prompt', params };
      return this.#write({ token: `prompt:${turn.messageId}`, message });
    });
  }

  stopTurn(turnId: string): Promise<Result<null>> {
    return this.#call(async () => {
      if (openTurnOf(this.#state)?.turnId !== turnId) return ok(null);
      return this.#cancelTurn();
    });
  }

  answer(approvalId: string, _toolCallId: string, answer: ApprovalAnswer): Promise<Result<null>> {
    return this.#call(async () => {
      const request = this.#state.requests.find((other) => other.approvalId === approvalId);
      if (request === undefined) return fail('not_found', 'The agent does not wait for this answer any more.');
      if (request.appliedAt !== null || request.decision === 'cancelled') return ok(null);
      if (openTurnOf(this.#state) === null) return fail('not_found', 'The turn this was asked in has ended.');
      const reply =
        request.fields === null ? await this.#permissionAnswer(request, answer) : questionAnswer(request, answer);
      const answered: AgentRequest = {
        ...request,
        decision: reply.decision,
        // An answer that is repeated was given when it was given first.
        answeredAt: request.answeredAt ?? this.#lines.end,
      };
      this.#state = { ...this.#state, requests: putRequest(this.#state.requests, answered) };
      if (reply.notice !== null && request.answeredAt === null) this.#note(reply.notice, this.#lines.end);
      await this.#save();
      return this.#write({
        token: answerToken(request.requestId),
        message: { id: request.requestId, result: reply.result },
      });
    });
  }

  setMode(mode: AgentMode): Promise<Result<null>> {
    return this.#setting(
      async () => {
        this.#mode = mode;
        await this.#context.events.updateMeta({ agent: { ...this.#context.meta.agent, mode } });
      },
      (id, session) => ok(modeMessage(id, session.id, mode, this.#settings.quirks)),
    );
  }

  setModel(model: string): Promise<Result<null>> {
    return this.#setting(
      async () => undefined,
      (id, session) =>
        session.modelOption === null
          ? fail('bad_request', `${this.#settings.name} has no choice of models.`)
          : ok(modelMessage(id, session.id, session.modelOption, model)),
    );
  }

  previews(): readonly Preview[] {
    const turn = openTurnOf(this.#state);
    const { block } = this.#state;
    if (turn === null || block === null) return [];
    return [{ blockId: block.blockId, turnId: turn.turnId, kind: block.kind, offset: 0, text: block.text }];
  }

  async stop(): Promise<void> {
    await this.#call(async () => (openTurnOf(this.#state) === null ? ok(null) : this.#cancelTurn()));
    await endProcess(this.#context.holder, this.#processId, this.exited, this.#settings);
  }

  detach(): void {
    if (this.#detached) return;
    this.#detached = true;
    clearTimeout(this.#stopTimer);
    this.#unlisten();
    this.#reading.close();
    this.#ready.resolve(fail('unavailable', 'The driver was detached.'));
  }

  /** One thing at a time, in order. Never rejects: a failure is of the holder's connection, and ends this driver's use. */
  #inTurn(what: string, work: () => Promise<void>): Promise<void> {
    const next = this.#queue.then(async () => {
      if (this.#detached) return;
      try {
        await work();
      } catch (error) {
        this.#context.log.error({ err: error, what, processId: this.#processId }, 'agent driver gives up');
        this.detach();
      }
    });
    this.#queue = next;
    return next;
  }

  async #call(work: () => Promise<Result<null>>): Promise<Result<null>> {
    let result: Result<null> = fail('unavailable', 'The connection to the agent was lost.');
    await this.#inTurn('call', async () => {
      result = await work();
    });
    return result;
  }

  async #begin(): Promise<void> {
    const turn = openTurnOf(this.#state);
    if (turn !== null && turn.stoppingAt !== null) this.#startStopTimer();
    if (this.#state.session !== null) {
      this.#ready.resolve(ok(null));
      return;
    }
    const begun = await this.#write(beginHandshake());
    if (!begun.ok) this.#ready.resolve(begun);
  }

  async #read(bytes: Uint8Array): Promise<void> {
    for (const line of this.#lines.push(bytes)) {
      await this.#handle(line);
      if (this.#detached) return;
    }
    this.#flushPreview();
  }

  async #handle(line: Line): Promise<void> {
    if (line.text === null) {
      this.#note(`${this.#settings.name} sent a message that was too large; it was left out.`, line.end);
      return;
    }
    const message = parseLine(line.text);
    if (message === null) {
      if (line.text.trim() !== '') this.#context.log.debug({ at: line.start }, 'the agent wrote what is no message');
      return;
    }
    if (message.type === 'answer') {
      const waiting = this.#waiting.get(String(message.id));
      if (waiting !== undefined) return waiting(message);
      if (await this.#shakeHands(message, line)) return;
    }
    await this.#take(
      translate(this.#state, message, line, {
        generation: this.#context.meta.generation,
        mode: this.#mode,
        allowedTools: this.#allowedTools,
        quirks: this.#settings.quirks,
      }),
    );
  }

  /** Notes first, then what is written, then what is told: each can be repeated when the next did not happen. */
  async #take({ state, tells, replies, preview }: Step): Promise<void> {
    const ended = openTurnOf(this.#state) !== null && openTurnOf(state) === null;
    this.#state = state;
    if (tells.length > 0 || replies.length > 0) await this.#save();
    await this.#writeAll(replies);
    if (tells.length > 0) this.#flushPreview();
    for (const { position, facts } of tells) this.#tell(position, facts);
    if (preview !== null) this.#addPreview(preview);
    if (ended) clearTimeout(this.#stopTimer);
  }

  /** true: the answer belonged to the handshake. One read again is told again, and what it led to is not done twice. */
  async #shakeHands(message: Incoming & { type: 'answer' }, line: Line): Promise<boolean> {
    const { meta } = this.#context;
    const before = this.#state.session;
    const step = continueHandshake(
      {
        cwd: meta.cwd,
        conversationId: before === null ? meta.conversationId : before.id,
        mode: this.#mode,
        model: meta.agent.model ?? null,
        quirks: this.#settings.quirks,
      },
      message,
    );
    if (step === null) return false;
    if (before !== null && before.openedAt !== line.end) return true;
    switch (step.type) {
      case 'send':
        this.#state = { ...this.#state, takesImages: step.takesImages ?? this.#state.takesImages };
        await this.#writeAll(step.replies);
        return true;
      case 'failed':
        this.#context.log.warn({ message: step.message }, 'the agent did not open a session');
        this.#ready.resolve(fail('agent_unavailable', handshakeFailure(this.#settings.name, step)));
        return true;
      case 'opened': {
        const session = { id: step.sessionId, modelOption: step.modelOption, openedAt: line.end };
        this.#state = { ...this.#state, session };
        if (step.forgot && before === null) {
          this.#note(
            `${this.#settings.name} could not go on with the earlier conversation: it began a new one.`,
            line.end,
          );
        }
        await this.#save({ conversationId: step.sessionId });
        await this.#writeAll(step.replies);
        this.#tell(line.end, [{ type: 'agent.conversation', data: { conversationId: step.sessionId.slice(0, 200) } }]);
        this.#ready.resolve(ok(null));
        return true;
      }
    }
  }

  async #skip(to: number): Promise<void> {
    this.#lines.skip(to);
    this.#note(`Some of what ${this.#settings.name} said was lost.`, to);
  }

  async #permissionAnswer(request: AgentRequest, answer: ApprovalAnswer): Promise<AnswerReply> {
    const reply = permissionReply(answer, request.options, this.#settings.quirks);
    const { updatedInput } = answer;
    const grant =
      updatedInput === undefined ? (request.grant ?? request.tool) : sessionGrant(request.tool, updatedInput);
    if (reply.decision === 'allow' && answer.scope === 'session' && !this.#allowedTools.includes(grant)) {
      this.#allowedTools = [...this.#allowedTools, grant];
      await this.#context.events.updateMeta({ allowedTools: this.#allowedTools });
    }
    return { decision: reply.decision, result: reply.response, notice: reply.notice };
  }

  async #cancelTurn(): Promise<Result<null>> {
    const { session, turn } = this.#state;
    if (session === null || turn === null) return ok(null);
    const open = this.#state.requests.filter((request) => request.answeredAt === null);
    this.#state = {
      ...this.#state,
      turn: { ...turn, stoppingAt: turn.stoppingAt ?? this.#lines.end },
      requests: this.#state.requests.map((request) =>
        request.answeredAt === null ? { ...request, decision: 'cancelled', answeredAt: this.#lines.end } : request,
      ),
    };
    await this.#save();
    const params: CancelNotification = { sessionId: session.id };
    const told = await this.#write({ token: `cancel:${turn.turnId}`, message: { method: 'session/cancel', params } });
    for (const request of open) {
      await this.#write({
        token: answerToken(request.requestId),
        message: { id: request.requestId, result: cancelResult(request) },
      });
    }
    this.#startStopTimer();
    return told;
  }

  /** An agent that does not end its turn is ended: stop always ends the turn. */
  #startStopTimer(): void {
    clearTimeout(this.#stopTimer);
    this.#stopTimer = setTimeout(() => {
      this.#context.log.warn({ processId: this.#processId }, 'the agent did not stop; its process is ended');
      endProcess(this.#context.holder, this.#processId, this.exited, this.#settings).catch((error: unknown) => {
        this.#context.log.error({ err: error }, 'ending the agent failed');
      });
    }, this.#settings.stopMs);
    this.#stopTimer.unref();
  }

  async #setting(
    before: () => Promise<void>,
    messageOf: (id: string, session: NonNullable<AcpState['session']>) => Result<Outgoing | null>,
  ): Promise<Result<null>> {
    const ready = await this.ready;
    if (!ready.ok) return ready;
    const id = `setting:${randomUUID()}`;
    const answered = Promise.withResolvers<Incoming & { type: 'answer' }>();
    let expected = false;
    const written = await this.#call(async () => {
      const { session } = this.#state;
      if (session === null) return fail('unavailable', 'The agent has no session.');
      const message = messageOf(id, session);
      if (!message.ok) return message;
      await before();
      if (message.value === null) return ok(null);
      expected = true;
      this.#waiting.set(id, answered.resolve);
      return this.#write({ token: id, message: message.value });
    });
    if (!written.ok || !expected) return written;
    try {
      if (!(await within(this.#settings.settingMs, Promise.race([answered.promise, this.exited])))) {
        return fail('timeout', `${this.#settings.name} did not confirm the change.`);
      }
      if (this.#exit !== null) return fail('agent_unavailable', `${this.#settings.name} has ended.`);
      const { error } = await answered.promise;
      return error === null ? ok(null) : fail('bad_request', error.message.slice(0, 2_000));
    } finally {
      this.#waiting.delete(id);
    }
  }

  #onExit(gone: HeldProcess): void {
    this.#exit = gone.exit;
    this.#exited.resolve();
    void this.#inTurn('exit', () => this.#finish());
  }

  /** When it has exited and all is read: what was left open, then the end. Beyond every line's position. */
  async #finish(): Promise<void> {
    if (this.#allRead && this.#exit === null) {
      // It closed its output and lives: it can say nothing any more.
      void endProcess(this.#context.holder, this.#processId, this.exited, this.#settings).catch((error: unknown) => {
        this.#context.log.error({ err: error }, 'ending the agent failed');
      });
      return;
    }
    if (!this.#allRead || this.#exit === null) return;
    const { exitCode, signal, leftovers } = this.#exit;
    const position = this.#lines.end + 1;
    const turn = openTurnOf(this.#state);
    const facts: FactDraft[] = [];
    if (turn !== null) {
      const closed = closeBlock(this.#state, position, true);
      facts.push(...closed.facts);
      this.#state = closed.state;
      if (turn.stoppingAt !== null) {
        facts.push({ type: 'turn.ended', data: { turnId: turn.turnId, outcome: 'stopped' } });
        this.#state = { ...this.#state, turn: { ...turn, endedAt: position } };
      }
    }
    if (facts.length > 0) {
      await this.#save();
      this.#flushPreview();
      this.#tell(position, facts);
    }
    this.#ready.resolve(fail('agent_unavailable', `${this.#settings.name} ended while it was starting.`));
    const wasDetached = this.#detached;
    this.detach();
    if (!wasDetached) this.#context.events.ended(position + 1, { exitCode, signal, leftovers });
  }

  /** at: the position it is about. */
  #note(text: string, at: number): void {
    const notice = { level: 'warning' as const, text: text.slice(0, 4_096), at };
    this.#state = { ...this.#state, notices: [...this.#state.notices, notice].slice(-20) };
  }

  #tell(position: number, facts: readonly FactDraft[]): void {
    if (!this.#detached) this.#context.events.facts(position, facts);
  }

  /** Chunks that come together are told together. */
  #addPreview(preview: Preview): void {
    const before = this.#preview;
    if (
      before !== null &&
      before.blockId === preview.blockId &&
      before.offset + before.text.length === preview.offset
    ) {
      this.#preview = { ...before, text: before.text + preview.text };
      return;
    }
    this.#flushPreview();
    this.#preview = preview;
  }

  #flushPreview(): void {
    const preview = this.#preview;
    this.#preview = null;
    if (preview !== null && !this.#detached) this.#context.events.preview(preview);
  }

  async #save(change: Partial<AgentMeta> = {}): Promise<void> {
    const notes = notesOf(this.#state);
    const json = JSON.stringify(notes);
    if (json === this.#saved) return;
    await this.#context.events.updateMeta({ ...change, driver: { ...notes } });
    this.#saved = json;
  }

  /** Before anything is told that these lead to. An agent that has ended needs no reply; without a holder nothing is told. */
  async #writeAll(replies: readonly Reply[]): Promise<void> {
    for (const reply of replies) {
      const written = await this.#write(reply);
      if (!written.ok && written.error.kind === 'unavailable') throw new Error(written.error.message);
    }
  }

  async #write({ token, message }: Reply): Promise<Result<null>> {
    const { holder } = this.#context;
    return toResult(await holder.write(this.#processId, encodeMessage(message), token), this.#settings.name);
  }
}

interface AnswerReply {
  readonly decision: 'allow' | 'deny';
  readonly result: object;
  readonly notice: string | null;
}

function questionAnswer(request: AgentRequest, answer: ApprovalAnswer): AnswerReply {
  if (answer.decision === 'deny') return { decision: 'deny', result: { action: 'decline' }, notice: null };
  return { decision: 'allow', result: formReply(request.fields ?? [], answer.answers ?? {}), notice: null };
}

function handshakeFailure(name: string, step: { readonly message: string; readonly needsLogin: boolean }): string {
  const what = step.needsLogin ? 'needs a login: start it once in a terminal and log in' : 'did not open a session';
  return `${name} ${what} (${step.message.slice(0, 500)}).`;
}

function toResult(result: HolderResult<null>, name: string): Result<null> {
  if (result.ok) return ok(null);
  const { kind, message } = result.error;
  return kind === 'exited' || kind === 'not_found'
    ? fail('agent_unavailable', `${name} has ended.`)
    : fail('unavailable', `The holder could not pass the message on: ${message}`);
}
