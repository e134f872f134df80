/** How Claude Code is run for us. */
import type { Options } from '@anthropic-ai/claude-agent-sdk';
import type { AgentMeta } from '../driver.ts';
import { harmlessTools } from './permission.ts';

/** Of the Claude Code that may have started the server: its child must not take itself for a part of it. */
const foreign = ['CLAUDECODE', 'CLAUDE_CODE_ENTRYPOINT', 'CLAUDE_CODE_SSE_PORT'];

/** environment: clean, with the provider's login. What it sets itself wins. */
export function claudeEnvironment(environment: Readonly<Record<string, string>>): Record<string, string> {
  const own = Object.entries(environment).filter(([name]) => !foreign.includes(name));
  return {
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    // The default of 10 leaves the person without a word on the outcome for minutes.
    CLAUDE_CODE_MAX_RETRIES: '5',
    ...Object.fromEntries(own),
  };
}

/** The command line and the handshake; the same for a new process and for one that is attached to. */
export function queryOptions(
  meta: AgentMeta,
  /** What is attached to messages lies in it: it may be read like the workspace. */
  filesDirectory: string,
  environment: Record<string, string>,
  executable: string | undefined,
): Options {
  const { model } = meta.agent;
  return {
    cwd: meta.cwd,
    additionalDirectories: [filesDirectory],
    env: environment,
    // Always said: without it the agent may pick a mode that asks nobody. Our own modes decide in canUseTool.
    permissionMode: 'default',
    includePartialMessages: true,
    systemPrompt: { type: 'preset', preset: 'claude_code' },
    settingSources: ['user', 'project', 'local'],
    ...(executable === undefined ? {} : { pathToClaudeCodeExecutable: executable }),
    ...(model === undefined || model === 'default' ? {} : { model }),
    ...(meta.conversationId === null ? {} : { resume: meta.conversationId }),
  };
}

/** Seconds a call waits for the answer, which is away as long as the runner is. Then it is refused. */
const hookPatience = 7 * 24 * 60 * 60;

/**
 * Said once, when the process begins: said again by a driver that is attached, the agent would refuse every call whose
 * hook is open at that moment. The callback is never called: hook calls are answered by the driver (claude-agent.ts).
 */
export const hooksOfProcess: NonNullable<Options['hooks']> = {
  PreToolUse: [
    {
      matcher: `^(?!(?:${[...harmlessTools].join('|')})$)`,
      hooks: [() => Promise.resolve({})],
      timeout: hookPatience,
      onFailure: 'block',
    },
  ],
};
