/** An ACP agent whose every line the test writes. */
import type { AgentMeta } from '../../../src/agents/driver.ts';
import { FakeHolder } from './fake-holder.ts';

export const metaOf = (change: Partial<AgentMeta> = {}): AgentMeta => ({
  sessionId: 's1',
  generation: 1,
  cwd: '/',
  agent: { provider: 'scripted', mode: 'agent' },
  conversationId: null,
  turn: null,
  allowedTools: [],
  ...change,
});

interface Written {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number };
}

export class ScriptedAgent {
  readonly holder = new FakeHolder();
  readonly id = 's1.1';
  /** What answers initialize and opens sessions; may be changed before the driver comes. */
  answers: Record<string, (params: Record<string, unknown>) => object | null> = {
    initialize: () => ({ result: { protocolVersion: 1, agentCapabilities: {} } }),
    'session/new': () => ({ result: { sessionId: 'conversation' } }),
    'session/set_mode': () => ({ result: {} }),
  };

  constructor(meta: AgentMeta = metaOf()) {
    this.holder.scripted(this.id, { ...meta });
    this.holder.onWrite = (line) => {
      const { id, method, params } = JSON.parse(line) as Written;
      const answer = method === undefined ? undefined : this.answers[method]?.(params ?? {});
      if (answer !== undefined && answer !== null) this.send({ id, ...answer });
    };
  }

  send(message: object): void {
    this.raw(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  raw(text: string): void {
    this.holder.push(this.id, text);
  }

  update(update: object): void {
    this.send({ method: 'session/update', params: { sessionId: 'conversation', update } });
  }

  say(text: string, kind = 'agent_message_chunk', messageId?: string): void {
    this.update({ sessionUpdate: kind, content: { type: 'text', text }, messageId });
  }

  askLeave(id: number, toolCall: object, kinds = ['allow_once', 'reject_once']): void {
    const options = kinds.map((kind) => ({ optionId: kind, name: kind, kind }));
    this.send({ id, method: 'session/request_permission', params: { sessionId: 'conversation', toolCall, options } });
  }

  endTurn(turnId: string, result: object = { stopReason: 'end_turn' }): void {
    this.send({ id: `prompt:${turnId}`, result });
  }

  /** What the driver wrote, parsed. */
  written(): Written[] {
    return this.holder.written(this.id).map((line) => JSON.parse(line) as Written);
  }

  repliesTo(id: number): Written[] {
    return this.written().filter((message) => message.id === id && message.method === undefined);
  }
}

/** Everything the fakes have to do among themselves is done: they use no timers and no I/O. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((next) => setImmediate(next));
}
