/** Whether Claude Code is there and has a login, and if not what the person has to do. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string>>;

const loginVariables = [
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'CLAUDE_CODE_OAUTH_TOKEN',
  'CLAUDE_CODE_USE_BEDROCK',
  'CLAUDE_CODE_USE_VERTEX',
];

/** A variable, or the file that `claude auth login` writes. */
export function hasLogin(environment: Environment): boolean {
  if (loginVariables.some((name) => (environment[name] ?? '') !== '')) return true;
  return existsSync(join(configDirectory(environment), '.credentials.json'));
}

/** Where Claude Code keeps logins and conversations. */
export function configDirectory(environment: Environment): string {
  return environment['CLAUDE_CONFIG_DIR'] ?? join(environment['HOME'] ?? homedir(), '.claude');
}

/** The Claude Code that the SDK brings along for this machine, or null where it has none. */
export function bundledExecutable(): string | null {
  const sdk = createRequire(import.meta.resolve('@anthropic-ai/claude-agent-sdk'));
  const machine = `${process.platform}-${process.arch}`;
  for (const name of [machine, `${machine}-musl`]) {
    try {
      return sdk.resolve(`@anthropic-ai/claude-agent-sdk-${name}/claude`);
    } catch {
      // Not installed: optional packages exist for some machines only.
    }
  }
  return null;
}

export function loginRemedy(environment: Environment, executable: string | null): string[] {
  const command = executable ?? 'claude';
  const directory = environment['CLAUDE_CONFIG_DIR'];
  const login =
    directory === undefined ? `${command} auth login` : `CLAUDE_CONFIG_DIR=${directory} ${command} auth login`;
  return [
    'Either set ANTHROPIC_API_KEY and start Holdfast again,',
    `or run this in a terminal session and follow it: ${login}`,
  ];
}

export const installRemedy = (): string[] => [
  `Claude Code is not installed for ${process.platform}-${process.arch}: run npm install again without --omit=optional.`,
];
