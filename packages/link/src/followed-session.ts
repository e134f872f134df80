/** One session's event stream: what it says as pushes, and the credit that goes back by separate requests. */
import type { ErrorBody, Result } from '@holdfast/protocol/error.ts';
import { streamOutputSchema, streamResumeSchema } from '@holdfast/protocol/rest.ts';
import type { Resume } from '@holdfast/protocol/socket.ts';
import { fromBase64 } from './base64.ts';
import type { Clock } from './client-interface.ts';
import { openEventStream } from './event-stream.ts';
import type { ServerEvent } from './event-stream-parser.ts';
import { type Push, parsePush } from './push.ts';

/** Credit that could not be told is told again after so long, ms. */
const tellAgainMs = 1_000;

export interface FollowedSessionContext {
  readonly clock: Clock;
  ask(signal: AbortSignal): Promise<Response>;
  /** Gives back credit; never rejects. */
  tellParsed(streamId: string, offset: number): Promise<Result<unknown>>;
  answered(answer: Result<Resume>): void;
  heard(): void;
  heartbeat(data: string): void;
  pushed(push: Push): void;
  /** It ended by itself, and the session is still there. */
  lost(error: ErrorBody): void;
}

export class FollowedSession {
  readonly #sessionId: string;
  readonly #context: FollowedSessionContext;
  readonly #close: () => void;
  #streamId: string | null = null;
  /** Output parsed, and what of that the server knows. */
  #parsed = -1;
  #told = -1;
  /** Screens so far: credit told before one is none for it. */
  #screens = 0;
  #telling = false;
  #cancelTelling: (() => void) | null = null;
  #over = false;

  constructor(sessionId: string, context: FollowedSessionContext) {
    this.#sessionId = sessionId;
    this.#context = context;
    this.#close = openEventStream((signal) => context.ask(signal), context.clock, {
      heard: () => context.heard(),
      heartbeat: (data) => context.heartbeat(data),
      events: (events) => this.#receive(events),
      refused: (error) => context.answered({ ok: false, error }),
      ended: (error) => this.#lost(error),
    });
  }

  parsed(offset: number): void {
    this.#parsed = Math.max(this.#parsed, offset);
    this.#tell();
  }

  close(): void {
    this.#over = true;
    this.#cancelTelling?.();
    this.#close();
  }

  #lost(error: ErrorBody): void {
    if (this.#over) return;
    this.close();
    this.#context.lost(error);
  }

  #receive(events: readonly ServerEvent[]): void {
    const sessionId = this.#sessionId;
    let facts: unknown[] = [];
    const flush = (): void => {
      if (facts.length > 0) this.#push('facts', { sessionId, facts });
      facts = [];
    };
    for (const { name, data } of events) {
      const value = parsed(data);
      if (name === 'fact') {
        facts.push(value);
        continue;
      }
      flush();
      if (this.#over) return;
      if (name === 'resume') this.#resumed(value);
      else if (name === 'tty') this.#output(value);
      else if (name === 'screen') this.#screen(value);
      else if (name === 'deleted') this.#deleted();
      else if (typeof value === 'object') this.#push(name, { ...value, sessionId });
    }
    flush();
  }

  #resumed(value: unknown): void {
    const resume = streamResumeSchema.safeParse(value);
    if (!resume.success) {
      return this.#lost({ kind: 'internal', message: 'the server gave an answer that is not understood' });
    }
    const { streamId, ...answer } = resume.data;
    this.#streamId = streamId;
    this.#context.answered({ ok: true, value: answer });
    this.#tell();
  }

  #output(value: unknown): void {
    const output = streamOutputSchema.safeParse(value);
    if (!output.success) return;
    const { offset, data } = output.data;
    this.#push('tty', { sessionId: this.#sessionId, offset, data: fromBase64(data) });
  }

  #deleted(): void {
    this.close();
    this.#context.pushed({ type: 'sessionDeleted', sessionId: this.#sessionId });
  }

  /** The server waits until this screen has been parsed, also where output up to there was parsed and told before. */
  #screen(screen: unknown): void {
    this.#screens += 1;
    this.#parsed = -1;
    this.#told = -1;
    this.#push('screen', { sessionId: this.#sessionId, screen });
  }

  #push(name: string, message: object): void {
    if (this.#over) return;
    const push = parsePush(name, message);
    if (push !== null) this.#context.pushed(push);
  }

  /** One request at a time: what is parsed meanwhile is told with the next. */
  #tell(): void {
    if (this.#over || this.#telling || this.#streamId === null || this.#parsed <= this.#told) return;
    const offset = this.#parsed;
    const screens = this.#screens;
    this.#telling = true;
    void this.#context.tellParsed(this.#streamId, offset).then((answer) => {
      this.#telling = false;
      if (this.#over) return;
      if (answer.ok && screens === this.#screens) this.#told = offset;
      if (answer.ok) return this.#tell();
      this.#cancelTelling = this.#context.clock.after(tellAgainMs, () => this.#tell());
    });
  }
}

/** undefined where the text is no JSON: what does not fit is dropped. */
export function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return undefined;
  }
}
