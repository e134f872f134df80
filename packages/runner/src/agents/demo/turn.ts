/** One answer of the demo agent: its voice and its hands. Every wait ends at once when the turn is stopped. */
import { setTimeout as wait } from 'node:timers/promises';
import { methods } from '@agentclientprotocol/sdk';
import type {
  AgentContext,
  ElicitationContentValue,
  PermissionOption,
  PlanEntry,
  RequestPermissionRequest,
  SessionUpdate,
  ToolCall,
  ToolCallUpdate,
} from '@agentclientprotocol/sdk';
import { z } from 'zod';

export interface DemoPace {
  /** Milliseconds between two pieces of ordinary text, and between two words of `stream`. */
  readonly piece: number;
  readonly word: number;
}

export interface TurnOptions {
  readonly client: AgentContext;
  readonly sessionId: string;
  readonly cwd: string;
  readonly signal: AbortSignal;
  readonly pace: DemoPace;
  /** The client shows forms; else a question is put as a permission with several options. */
  readonly asksByForm: boolean;
  readonly allowed: Set<string>;
  readonly newId: () => string;
}

/** Thrown at the next wait after the turn was stopped. */
export class TurnStopped extends Error {}

export interface Leave {
  readonly allowed: boolean;
  /** Why not, if the person said so. */
  readonly message: string | null;
  /** To be used in place of what was asked. */
  readonly updatedInput: Readonly<Record<string, unknown>> | null;
}

/** What Holdfast adds to a permission's answer, which ACP itself has no fields for. */
const detailsSchema = z.object({
  holdfast: z.object({
    message: z.string().optional(),
    updatedInput: z.record(z.string(), z.unknown()).optional(),
  }),
});

export class Turn {
  readonly cwd: string;
  readonly signal: AbortSignal;
  readonly pace: DemoPace;
  readonly #options: TurnOptions;
  #said = '';

  constructor(options: TurnOptions) {
    this.cwd = options.cwd;
    this.signal = options.signal;
    this.pace = options.pace;
    this.#options = options;
  }

  /** All text said so far. */
  get said(): string {
    return this.#said;
  }

  /** A word or two at a time. */
  async say(text: string): Promise<void> {
    for (const piece of text.match(/\S+\s*|\s+/g) ?? []) {
      await this.write('agent_message_chunk', piece);
      await this.pause(this.pace.piece);
    }
  }

  async think(text: string): Promise<void> {
    for (const piece of text.match(/\S+\s*|\s+/g) ?? []) {
      await this.write('agent_thought_chunk', piece);
      await this.pause(this.pace.piece);
    }
  }

  async write(sessionUpdate: 'agent_message_chunk' | 'agent_thought_chunk', text: string): Promise<void> {
    if (sessionUpdate === 'agent_message_chunk') this.#said += text;
    await this.update({ sessionUpdate, content: { type: 'text', text } });
  }

  async pause(milliseconds: number): Promise<void> {
    try {
      await wait(milliseconds, undefined, { signal: this.signal });
    } catch (error) {
      throw new TurnStopped('stopped', { cause: error });
    }
  }

  async plan(entries: PlanEntry[]): Promise<void> {
    await this.update({ sessionUpdate: 'plan', entries });
  }

  /** Announces a tool call; answers its id. */
  async begin(call: Omit<ToolCall, 'toolCallId'>): Promise<string> {
    const toolCallId = this.#options.newId();
    await this.update({ sessionUpdate: 'tool_call', toolCallId, ...call });
    return toolCallId;
  }

  async progress(update: ToolCallUpdate): Promise<void> {
    await this.update({ sessionUpdate: 'tool_call_update', ...update });
  }

  /** Asks the person, unless this tool was allowed for the session. */
  async leave(tool: string, toolCall: ToolCallUpdate): Promise<Leave> {
    const { allowed, client, sessionId } = this.#options;
    if (allowed.has(tool)) return { allowed: true, message: null, updatedInput: null };
    const options: PermissionOption[] = [
      { optionId: 'once', name: 'Allow once', kind: 'allow_once' },
      { optionId: 'always', name: `Allow ${tool} for this session`, kind: 'allow_always' },
      { optionId: 'reject', name: 'Deny', kind: 'reject_once' },
    ];
    const { outcome, _meta } = await this.#asked(
      client.request(methods.client.session.requestPermission, { sessionId, toolCall, options }, this.#cancellation()),
    );
    if (outcome.outcome === 'cancelled') return { allowed: false, message: null, updatedInput: null };
    if (outcome.optionId === 'always') allowed.add(tool);
    const details = detailsSchema.safeParse(_meta);
    const { message = null, updatedInput = null } = details.success ? details.data.holdfast : {};
    return { allowed: outcome.optionId !== 'reject', message, updatedInput };
  }

  /** The option chosen or what was typed; null: no answer was given. */
  async choose(question: string, choices: readonly string[]): Promise<string | null> {
    const { client, sessionId, asksByForm } = this.#options;
    if (!asksByForm) return this.#chooseByPermission(question, choices);
    const answer = await this.#asked(
      client.request(
        methods.client.elicitation.create,
        {
          mode: 'form',
          sessionId,
          message: question,
          requestedSchema: {
            type: 'object',
            properties: {
              choice: { type: 'string', oneOf: choices.map((choice) => ({ const: choice, title: choice })) },
            },
            required: ['choice'],
          },
        },
        this.#cancellation(),
      ),
    );
    if (answer.action !== 'accept') return null;
    const content = answer.content as Record<string, ElicitationContentValue> | null | undefined;
    const choice = content?.['choice'];
    return typeof choice === 'string' ? choice : null;
  }

  async #chooseByPermission(question: string, choices: readonly string[]): Promise<string | null> {
    const { client, sessionId } = this.#options;
    const toolCallId = await this.begin({ title: question, name: 'question', kind: 'other', status: 'pending' });
    const options = choices.map((name): PermissionOption => ({ optionId: name, name, kind: 'allow_once' }));
    const params: RequestPermissionRequest = { sessionId, toolCall: { toolCallId, title: question }, options };
    const { outcome } = await this.#asked(
      client.request(methods.client.session.requestPermission, params, this.#cancellation()),
    );
    await this.progress({ toolCallId, status: 'completed' });
    return outcome.outcome === 'selected' ? outcome.optionId : null;
  }

  async update(update: SessionUpdate): Promise<void> {
    if (this.signal.aborted) throw new TurnStopped('stopped');
    await this.#options.client.notify(methods.client.session.update, {
      sessionId: this.#options.sessionId,
      update,
    });
  }

  #cancellation(): { cancellationSignal: AbortSignal; stopWaitingOnCancel: true } {
    return { cancellationSignal: this.signal, stopWaitingOnCancel: true };
  }

  async #asked<T>(request: Promise<T>): Promise<T> {
    try {
      return await request;
    } catch (error) {
      if (this.signal.aborted) throw new TurnStopped('stopped', { cause: error });
      throw error;
    }
  }
}
