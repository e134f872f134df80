/**
 * The demo agent: no model, no network, real work by simple commands. It speaks the Agent Client Protocol like any other
 * agent, so that what a newcomer sees of it (streaming, tools, approvals, questions, stop, resume) is the real thing.
 */
import { randomUUID } from 'node:crypto';
import { type AgentApp, RequestError, agent, methods } from '@agentclientprotocol/sdk';
import type { AgentContext, ContentBlock, StopReason } from '@agentclientprotocol/sdk';
import { parseDemoCommand } from './command.ts';
import type { Conversation, DemoMemory } from './memory.ts';
import { type DemoPace, Turn, TurnStopped } from './turn.ts';
import { perform } from './perform.ts';
import { filesWords, receivedFiles } from './received-files.ts';

interface DemoSession {
  readonly id: string;
  readonly conversation: Conversation;
  /** Commands allowed for the rest of the session, by tool. */
  readonly allowed: Set<string>;
  stop: AbortController | null;
}

export interface DemoAgentOptions {
  readonly memory: DemoMemory;
  readonly pace: DemoPace;
}

export function createDemoAgent({ memory, pace }: DemoAgentOptions): AgentApp {
  const sessions = new Map<string, DemoSession>();
  let asksByForm = false;

  const open = (id: string, conversation: Conversation): void => {
    sessions.set(id, { id, conversation, allowed: new Set(), stop: null });
  };

  const again = async (id: string): Promise<Conversation> => {
    const conversation = await memory.recall(id);
    if (conversation === null) throw RequestError.resourceNotFound(id);
    open(id, conversation);
    return conversation;
  };

  return agent({ name: 'holdfast-demo' })
    .onRequest(methods.agent.initialize, ({ params }) => {
      asksByForm = (params.clientCapabilities?.elicitation?.form ?? null) !== null;
      return {
        protocolVersion: 1,
        agentInfo: { name: 'holdfast-demo', title: 'Demo (no model)', version: '0.1.0' },
        agentCapabilities: {
          loadSession: true,
          sessionCapabilities: { resume: {} },
          promptCapabilities: { image: true },
        },
        authMethods: [],
      };
    })
    .onRequest(methods.agent.session.new, async ({ params }) => {
      const id = `demo-${randomUUID()}`;
      const conversation = { cwd: params.cwd, exchanges: [] };
      await memory.keep(id, conversation);
      open(id, conversation);
      return { sessionId: id };
    })
    .onRequest(methods.agent.session.resume, async ({ params }) => {
      await again(params.sessionId);
      return {};
    })
    .onRequest(methods.agent.session.load, async ({ params, client }) => {
      const { exchanges } = await again(params.sessionId);
      for (const { asked, answered } of exchanges) {
        await replay(client, params.sessionId, 'user_message_chunk', asked);
        if (answered !== null) await replay(client, params.sessionId, 'agent_message_chunk', answered);
      }
      return {};
    })
    .onRequest(methods.agent.session.prompt, async ({ params, client }) => {
      const session = sessions.get(params.sessionId);
      if (session === undefined) throw RequestError.resourceNotFound(params.sessionId);
      if (session.stop !== null) throw RequestError.invalidRequest(undefined, 'A prompt is being answered already.');
      const stop = new AbortController();
      session.stop = stop;
      try {
        return { stopReason: await answer(session, params.prompt, client, stop.signal) };
      } finally {
        session.stop = null;
      }
    })
    .onNotification(methods.agent.session.cancel, ({ params }) => {
      sessions.get(params.sessionId)?.stop?.abort();
    });

  async function answer(
    session: DemoSession,
    prompt: readonly ContentBlock[],
    client: AgentContext,
    signal: AbortSignal,
  ): Promise<StopReason> {
    const { conversation } = session;
    const asked = prompt.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n');
    const files = receivedFiles(prompt);
    const before = [...conversation.exchanges];
    const exchange: Conversation['exchanges'][number] = { asked, answered: null };
    conversation.exchanges.push(exchange);
    await memory.keep(session.id, conversation);
    const turn = new Turn({
      client,
      sessionId: session.id,
      cwd: conversation.cwd,
      signal,
      pace,
      asksByForm,
      allowed: session.allowed,
      newId: randomUUID,
    });
    let stopReason: StopReason = 'end_turn';
    try {
      if (files.length > 0) await turn.say(`${filesWords(files)}\n\n`);
      if (files.length === 0 || asked.trim() !== '') await perform(parseDemoCommand(asked), turn, before);
    } catch (error) {
      if (!(error instanceof TurnStopped)) throw error;
      stopReason = 'cancelled';
    }
    exchange.answered = turn.said;
    await memory.keep(session.id, conversation);
    return stopReason;
  }
}

function replay(
  client: AgentContext,
  sessionId: string,
  sessionUpdate: 'user_message_chunk' | 'agent_message_chunk',
  text: string,
): Promise<void> {
  return client.notify(methods.client.session.update, {
    sessionId,
    update: { sessionUpdate, content: { type: 'text', text } },
  });
}
