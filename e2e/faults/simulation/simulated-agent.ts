/** A process of an agent: takes what is written to it, says lines, and does one step of its work when told to. */
import type { FactDraft } from '@holdfast/protocol/fact.ts';

/** What the driver writes to it. */
export type AgentInput =
  | { readonly type: 'prompt'; readonly turnId: string; readonly text: string }
  | { readonly type: 'stop'; readonly turnId: string }
  | { readonly type: 'answer'; readonly approvalId: string }
  /** A new driver is there: what it waits for, it asks again. */
  | { readonly type: 'attached' };

export const agentSteps = ['text', 'tool', 'approval', 'question', 'finish', 'fail'] as const;
export type AgentStep = (typeof agentSteps)[number];

type Request = Extract<FactDraft, { type: 'approval.requested' | 'question.requested' }>;

export class SimulatedAgent {
  /** Turn ids of all prompts it took. */
  readonly prompted: string[] = [];
  readonly #say: (facts: FactDraft[]) => void;
  readonly #nextNumber: () => number;
  readonly #generation: number;
  #turnId: string | null = null;
  /** Taken while it was in a turn that it began by itself. */
  #queued: string | null = null;
  #wakes = false;
  #toolCallId: string | null = null;
  #waitsFor: Request | null = null;

  constructor(say: (facts: FactDraft[]) => void, nextNumber: () => number, generation: number) {
    this.#say = say;
    this.#nextNumber = nextNumber;
    this.#generation = generation;
  }

  get busy(): boolean {
    return this.#turnId !== null;
  }

  get waitsFor(): string | null {
    return this.#waitsFor?.data.approvalId ?? null;
  }

  take(input: AgentInput): void {
    switch (input.type) {
      case 'prompt':
        this.prompted.push(input.turnId);
        if (this.#turnId !== null && isOwn(this.#turnId)) {
          this.#queued = input.turnId;
          return;
        }
        this.#turnId = input.turnId;
        this.#waitsFor = null;
        return;
      case 'stop':
        if (this.#queued === input.turnId) {
          this.#queued = null;
          this.#say([{ type: 'turn.ended', data: { turnId: input.turnId, outcome: 'stopped' } }]);
          this.#end('stopped');
        } else if (this.#turnId === input.turnId) this.#end('stopped');
        return;
      case 'answer':
        if (this.#waitsFor?.data.approvalId !== input.approvalId) return;
        this.#waitsFor = null;
        this.#say([{ type: 'approval.applied', data: { approvalId: input.approvalId } }]);
        return;
      case 'attached':
        if (this.#waitsFor !== null) this.#say([this.#waitsFor]);
    }
  }

  /** By itself, once it has had something to do: at once, or as soon as it has nothing else. */
  begin(): void {
    if (this.prompted.length === 0) return;
    this.#wakes = this.#turnId !== null;
    if (this.#wakes) return;
    const turnId = `own-${this.#nextNumber()}`;
    this.#turnId = turnId;
    const data = { turnId, messageId: turnId, generation: this.#generation, cause: { kind: 'unknown' as const } };
    this.#say([{ type: 'turn.started', data }]);
  }

  /** Nothing while it is idle or waits for a person. */
  step(step: AgentStep): void {
    const turnId = this.#turnId;
    if (turnId === null || this.#waitsFor !== null) return;
    switch (step) {
      case 'text': {
        const blockId = `block-${this.#nextNumber()}`;
        return this.#say([{ type: 'message.assistant', data: { blockId, turnId, kind: 'text', text: blockId } }]);
      }
      case 'tool':
        return this.#tool(turnId);
      case 'approval':
      case 'question':
        return this.#ask(turnId, step);
      case 'finish':
        return this.#end('completed');
      case 'fail':
        return this.#end('failed');
    }
  }

  #tool(turnId: string): void {
    const toolCallId = this.#toolCallId;
    if (toolCallId !== null) {
      this.#toolCallId = null;
      const output = { text: 'done', bytes: 4, cut: false };
      return this.#say([{ type: 'tool.finished', data: { toolCallId, outcome: 'succeeded', output } }]);
    }
    const started = `call-${this.#nextNumber()}`;
    this.#toolCallId = started;
    this.#say([
      { type: 'tool.started', data: { toolCallId: started, turnId, tool: 'Bash', title: started, input: {} } },
    ]);
  }

  #ask(turnId: string, step: 'approval' | 'question'): void {
    const toolCallId = `call-${this.#nextNumber()}`;
    const kind = step === 'question' ? 'question' : 'permission';
    const about = { turnId, toolCallId, kind, tool: 'Bash', title: toolCallId, input: {}, scopes: ['once'] } as const;
    const asked: Request = {
      type: step === 'question' ? 'question.requested' : 'approval.requested',
      data: { approvalId: `ask-${toolCallId}`, ...about, scopes: [...about.scopes] },
    };
    this.#waitsFor = asked;
    this.#say([asked]);
  }

  #end(outcome: 'completed' | 'stopped' | 'failed'): void {
    if (this.#turnId === null) return;
    const turnId = this.#turnId;
    this.#turnId = this.#queued;
    this.#queued = null;
    this.#toolCallId = null;
    this.#waitsFor = null;
    const failure = { error: { kind: 'internal', message: 'the model is overloaded' } } as const;
    this.#say([{ type: 'turn.ended', data: { turnId, outcome, ...(outcome === 'failed' ? failure : {}) } }]);
    if (this.#turnId === null && this.#wakes) this.begin();
  }
}

/** A turn that it began by itself. */
export const isOwn = (turnId: string): boolean => turnId.startsWith('own-');
