/**
 * Which calls a rule allows. It errs on the side of asking: a call whose meaning is not plain from its input matches
 * nothing. Pure.
 */
import type { ApprovalRule } from '@holdfast/protocol/approval.ts';
import type { RuleMatch } from '@holdfast/protocol/rule.ts';
import { type ToolCall, subjectOf } from './call.ts';
import { isInFolder, normalPath } from './normal-path.ts';
import { isBareWord, plainWords } from './plain-words.ts';

export function matches(match: RuleMatch, call: ToolCall): boolean {
  if (match.tool !== call.tool || ruleFault(match) !== null) return false;
  const subject = subjectOf(call);
  switch (match.kind) {
    case 'command':
      return subject?.kind === 'command' && subject.command === match.command;
    case 'prefix': {
      const words = subject?.kind === 'command' ? plainWords(subject.command) : null;
      return words !== null && match.words.every((word, at) => words[at] === word);
    }
    case 'folder':
      return subject?.kind === 'file' && isInFolder(subject.path, match.folder);
    case 'host':
      return subject?.kind === 'address' && subject.host === match.host;
    case 'tool':
      return subject?.kind === 'none';
  }
}

/** Programs that run what they are given: a prefix that begins with one is about everything. */
const launchers: ReadonlySet<string> = new Set([
  ...['bash', 'sh', 'zsh', 'fish', 'dash', 'ksh', 'eval', 'exec', 'source', 'command', 'builtin', 'env', 'xargs'],
  ...['sudo', 'doas', 'su', 'nohup', 'nice', 'ionice', 'time', 'timeout', 'watch', 'setsid', 'stdbuf', 'parallel'],
  ...['python', 'python3', 'node', 'deno', 'bun', 'perl', 'ruby', 'php', 'lua', 'awk', 'npx', 'bunx', 'uvx', 'pipx'],
  ...['ssh', 'docker', 'podman', 'kubectl', 'find', 'trap', 'alias', 'export', 'unset', 'cd', '.'],
]);

/** Programs that are many in one: a prefix must say which, and running things is not it. */
const manyInOne: ReadonlySet<string> = new Set([
  'git',
  'gh',
  'npm',
  'pnpm',
  'yarn',
  'cargo',
  'go',
  'uv',
  'pip',
  'pip3',
]);
const runningVerbs: ReadonlySet<string> = new Set(['exec', 'x', 'dlx', 'tool']);

/** Why nobody may make this rule, for a person; null: they may. */
export function ruleFault(match: RuleMatch): string | null {
  switch (match.kind) {
    case 'command':
      // What was cut has a line of its own that says so.
      return /\p{C}/u.test(match.command) ? 'A rule can only be about a command of one line.' : null;
    case 'prefix': {
      const [path = '', verb = '-'] = match.words;
      if (!match.words.every(isBareWord)) return 'The words of a rule must be plain: no quotes and no shell signs.';
      const program = path.split('/').at(-1) ?? '';
      const isWide = manyInOne.has(program) && (verb.startsWith('-') || runningVerbs.has(verb));
      if (!isWide && !launchers.has(program)) return null;
      return `${match.words.join(' ')} … can run anything: allow the exact command instead.`;
    }
    case 'folder':
      if (normalPath(match.folder, '/') !== match.folder) return 'The folder must be absolute and without detours.';
      return match.folder === '/' ? 'A rule for the whole disk is too wide.' : null;
    case 'host':
      return /^[a-z0-9.-]+(?::\d{1,5})?$/.test(match.host) ? null : 'This is not a host.';
    case 'tool':
      return isNamedTool(match.tool) ? null : `${match.tool} can do too many things for a rule about all of them.`;
  }
}

/** Tools whose name alone says what they do. What an agent calls "execute" or "other" could be anything. */
const isNamedTool = (tool: string): boolean => tool === 'WebSearch' || /^mcp__\w+__\w+/.test(tool);

/** at: now, ISO 8601 UTC with milliseconds, as expiresAt is. */
export const isLive = (rule: ApprovalRule, at: string): boolean => rule.expiresAt === null || rule.expiresAt > at;

export const holdsIn = (rule: ApprovalRule, workspaceId: string): boolean =>
  rule.where === 'everywhere' || rule.workspaceId === workspaceId;
