/**
 * How a session is opened: initialize, then the conversation that is to go on or a new one. Pure. Every request has a
 * fixed id and is written once (its token), so that a driver which comes in the middle can simply begin again.
 */
import type { AgentMode } from '@holdfast/protocol/session.ts';
import type {
  InitializeRequest,
  NewSessionRequest,
  ResumeSessionRequest,
  SetSessionConfigOptionRequest,
  SetSessionModeRequest,
} from '@agentclientprotocol/sdk';
import type { AgentQuirks } from './permission.ts';
import type { Reply } from './step.ts';
import { type Outgoing, type RequestId, type WireError, initializeAnswerSchema, sessionAnswerSchema } from './wire.ts';

export interface HandshakeGoal {
  readonly cwd: string;
  /** To go on with. */
  readonly conversationId: string | null;
  readonly mode: AgentMode;
  readonly model: string | null;
  readonly quirks: AgentQuirks;
}

export type HandshakeStep =
  /** takesImages: told with the agent's answer to initialize. */
  | { readonly type: 'send'; readonly replies: readonly Reply[]; readonly takesImages?: boolean }
  | {
      readonly type: 'opened';
      readonly sessionId: string;
      readonly modelOption: string | null;
      /** The agent could not go on with the conversation asked for and began a new one. */
      readonly forgot: boolean;
      /** Settings to write now. */
      readonly replies: readonly Reply[];
    }
  | { readonly type: 'failed'; readonly message: string; readonly needsLogin: boolean };

const authenticationRequired = -32000;

export function beginHandshake(): Reply {
  const params: InitializeRequest = {
    protocolVersion: 1,
    clientInfo: { name: 'holdfast', version: '0.1.0' },
    // Neither fs nor terminal: agents do that on their machine themselves, and some do it worse through a client.
    clientCapabilities: { elicitation: { form: {} }, session: { notices: {}, compaction: {} } },
  };
  return reply('initialize', 'initialize', params);
}

/** null: not an answer to the handshake. */
export function continueHandshake(
  goal: HandshakeGoal,
  answer: { readonly id: RequestId; readonly result: unknown; readonly error: WireError | null },
): HandshakeStep | null {
  switch (answer.id) {
    case 'initialize': {
      const parsed = initializeAnswerSchema.safeParse(answer.result);
      if (answer.error !== null || !parsed.success) return failed(answer.error);
      const { loadSession, sessionCapabilities, promptCapabilities } = parsed.data.agentCapabilities;
      const send = (...message: Parameters<typeof reply>): HandshakeStep => {
        return { type: 'send', replies: [reply(...message)], takesImages: promptCapabilities?.image ?? false };
      };
      const session: NewSessionRequest = { cwd: goal.cwd, mcpServers: [] };
      if (goal.conversationId === null) return send('session', 'session/new', session);
      const resume: ResumeSessionRequest = { ...session, sessionId: goal.conversationId };
      // resume says nothing again; load repeats the whole conversation, which is left out until it has answered.
      if ((sessionCapabilities?.['resume'] ?? null) !== null) return send('session:again', 'session/resume', resume);
      return loadSession ? send('session:again', 'session/load', resume) : send('session', 'session/new', session);
    }
    case 'session:again':
      if (answer.error !== null && answer.error.code !== authenticationRequired) {
        const session: NewSessionRequest = { cwd: goal.cwd, mcpServers: [] };
        return { type: 'send', replies: [reply('session', 'session/new', session)] };
      }
      return opened(goal, answer, goal.conversationId);
    case 'session':
      return opened(goal, answer, null);
    default:
      return null;
  }
}

function opened(
  goal: HandshakeGoal,
  answer: { readonly result: unknown; readonly error: WireError | null },
  resumed: string | null,
): HandshakeStep {
  const parsed = sessionAnswerSchema.safeParse(answer.result ?? {});
  if (answer.error !== null || !parsed.success) return failed(answer.error);
  const sessionId = resumed ?? parsed.data.sessionId;
  if (sessionId === undefined) return failed(null);
  const modelOption = parsed.data.configOptions?.find(({ category }) => category === 'model')?.id ?? null;
  const replies: Reply[] = [];
  const mode = modeMessage('session:mode', sessionId, goal.mode, goal.quirks);
  if (mode !== null) replies.push({ token: 'session:mode', message: mode });
  if (goal.model !== null && modelOption !== null) {
    replies.push({
      token: 'session:model',
      message: modelMessage('session:model', sessionId, modelOption, goal.model),
    });
  }
  return { type: 'opened', sessionId, modelOption, forgot: goal.conversationId !== null && resumed === null, replies };
}

/** null: the agent has no mode of its own that goes with ours. */
export function modeMessage(id: string, sessionId: string, mode: AgentMode, quirks: AgentQuirks): Outgoing | null {
  const modeId = quirks.modes?.[mode];
  if (modeId === undefined) return null;
  const params: SetSessionModeRequest = { sessionId, modeId };
  return { id, method: 'session/set_mode', params };
}

export function modelMessage(id: string, sessionId: string, configId: string, model: string): Outgoing {
  const params: SetSessionConfigOptionRequest = { sessionId, configId, value: model };
  return { id, method: 'session/set_config_option', params };
}

function failed(error: WireError | null): HandshakeStep {
  return {
    type: 'failed',
    message: error === null ? 'it does not speak the Agent Client Protocol' : error.message,
    needsLogin: error?.code === authenticationRequired,
  };
}

const reply = (id: string, method: string, params: object): Reply => ({ token: id, message: { id, method, params } });
