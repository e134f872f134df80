/** Claude Code through its Agent SDK. */
import { existsSync } from 'node:fs';
import type { AgentInfo } from '@holdfast/protocol/rest.ts';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { AgentDriver, DriverContext } from '../driver.ts';
import { ClaudeAgent, type ClaudeAgentOptions } from './claude-agent.ts';
import { hasConversation } from './conversation.ts';
import { bundledExecutable, configDirectory, hasLogin, installRemedy, loginRemedy } from './credentials.ts';
import { claudeEnvironment } from './query-options.ts';

export interface ClaudeDriverOptions {
  /** The agent's whole environment, clean, with the provider's login. */
  readonly environment: Readonly<Record<string, string>>;
  /** Default: the Claude Code that comes with the SDK. */
  readonly executable?: string;
  /** Milliseconds each step of stopping may take before the next, harder one. */
  readonly patience?: number;
}

const models: AgentInfo['models'] = [
  { id: 'default', name: 'Default' },
  { id: 'opus', name: 'Opus' },
  { id: 'sonnet', name: 'Sonnet' },
  { id: 'haiku', name: 'Haiku' },
];

export function createClaudeDriver(options: ClaudeDriverOptions): AgentDriver {
  const { environment } = options;
  const executable = (): string | null => {
    const file = options.executable ?? bundledExecutable();
    return file !== null && existsSync(file) ? file : null;
  };
  const remedy = (): string[] => {
    const file = executable();
    if (file === null) return installRemedy();
    return hasLogin(environment) ? [] : loginRemedy(environment, file);
  };
  const agentOptions = (processId: string, context: ClaudeAgentOptions['context']): ClaudeAgentOptions => ({
    processId,
    context,
    environment: claudeEnvironment(environment),
    executable: executable() ?? undefined,
    remedy: ['The provider refused the login.', ...loginRemedy(environment, executable())].join('\n'),
    patience: options.patience ?? 3_000,
  });

  return {
    provider: 'claude',

    info() {
      const missing = remedy();
      return Promise.resolve({
        provider: 'claude',
        name: 'Claude Code',
        description: 'Anthropic’s coding agent',
        available: missing.length === 0,
        remedy: missing,
        models,
      });
    },

    async start(processId, context) {
      const missing = remedy();
      if (missing.length > 0) return fail('agent_unavailable', missing.join('\n'));
      const { conversationId } = context.meta;
      const lost = conversationId !== null && !hasConversation(configDirectory(environment), conversationId);
      const meta = lost ? { ...context.meta, conversationId: null } : context.meta;
      const agent = new ClaudeAgent(agentOptions(processId, { ...context, meta }));
      const spawned = await agent.start();
      if (spawned.ok && lost) tellLost(context);
      if (spawned.ok) return ok(agent);
      const { kind, message } = spawned.error;
      if (kind === 'exists') return fail('conflict', `The agent’s process is there already: ${message}`);
      if (kind === 'disconnected') return fail('unavailable', message);
      return fail('agent_unavailable', `Claude Code could not be started: ${message}`);
    },

    attach(process, from, context) {
      const agent = new ClaudeAgent(agentOptions(process.id, context));
      agent.attach(process, from);
      return agent;
    },
  };
}

/** Before the first line of a process can have ended. */
const beforeFirstLine = 1;

/** A resume that is none is said so. */
function tellLost({ meta, events }: DriverContext): void {
  if (meta.turn === null) return;
  const text = 'Claude Code no longer has this conversation: it begins anew and knows nothing of what is above.';
  events.facts(beforeFirstLine, [{ type: 'turn.notice', data: { turnId: meta.turn.turnId, level: 'warning', text } }]);
}
