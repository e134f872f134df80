/**
 * What a call would touch beyond its workspace, as far as its input gives it away. For the eyes of the person who
 * decides: what is not found here may still happen. Pure.
 */
import type { ApprovalHint } from '@holdfast/protocol/approval.ts';
import type { ToolCall } from './call.ts';
import { isInFolder } from './normal-path.ts';

const most = 8;
/** UTF-16 units of a command that are looked at. */
const lookedAt = 16 * 1024;

export function hintsOf({ tool, input, cwd }: ToolCall): ApprovalHint[] {
  const { command } = input;
  const hints: ApprovalHint[] = [];
  if (typeof command === 'string') hints.push(...commandHints(command.slice(0, lookedAt), cwd));
  for (const member of ['file_path', 'notebook_path', 'path']) {
    const path = input[member];
    if (typeof path === 'string') hints.push(...outside(path, cwd));
  }
  if (typeof input['url'] === 'string') hints.push(...addresses(input['url']));
  if (tool === 'WebSearch') hints.push({ kind: 'leaves' });
  return [...new Map(hints.map((hint) => [JSON.stringify(hint), hint])).values()].slice(0, most);
}

/** The commands of a line, each as its words: good enough to look at, no shell. */
function commandHints(line: string, cwd: string): ApprovalHint[] {
  const commands = line.split(/[;&|()\n`]+|\$\(/).map((part) => part.match(/"[^"]*"|'[^']*'|[^\s"'<>]+/g) ?? []);
  return commands.flatMap((quoted) => {
    const words = quoted.map((word) => word.replace(/^["']|["']$/g, ''));
    return [...leaving(words), ...words.flatMap((word) => (looksLikePath(word) ? outside(word, cwd) : []))];
  });
}

const programs: ReadonlySet<string> = new Set([
  ...['curl', 'wget', 'ssh', 'scp', 'sftp', 'rsync', 'ftp', 'telnet', 'nc', 'ncat', 'socat', 'gh', 'glab', 'mail'],
  ...['aws', 'gcloud', 'az', 'kubectl', 'helm', 'terraform', 'rclone', 's3cmd', 'dig', 'nslookup', 'ping'],
]);
/** Programs that leave the machine with some verbs. */
const verbs: Readonly<Record<string, ReadonlySet<string>>> = {
  git: new Set(['push', 'fetch', 'pull', 'clone', 'ls-remote', 'submodule', 'remote']),
  npm: new Set(['install', 'i', 'ci', 'publish', 'add', 'update', 'view', 'exec']),
  pnpm: new Set(['install', 'i', 'publish', 'add', 'update', 'dlx']),
  yarn: new Set(['install', 'add', 'publish', 'dlx', 'npm']),
  pip: new Set(['install', 'download']),
  pip3: new Set(['install', 'download']),
  uv: new Set(['sync', 'add', 'pip', 'publish', 'tool']),
  cargo: new Set(['install', 'publish', 'add', 'fetch', 'update']),
  go: new Set(['get', 'install', 'mod']),
  docker: new Set(['push', 'pull', 'login', 'build', 'run']),
  'apt-get': new Set(['install', 'update', 'upgrade']),
  apt: new Set(['install', 'update', 'upgrade']),
  brew: new Set(['install', 'update', 'upgrade']),
};
/** Git's verbs whose first plain argument is a remote. */
const toRemote: ReadonlySet<string> = new Set(['push', 'fetch', 'pull', 'ls-remote']);

function leaving(words: readonly string[]): ApprovalHint[] {
  const named = words.filter((word) => /^[a-z][a-z0-9+.-]*:\/\//i.test(word));
  if (named.length > 0) return named.flatMap(addresses);
  // What stands before the program: variables, and programs that run others.
  const at = words.findIndex((word) => !/^\w+=|^(?:sudo|env|time|nohup|xargs|exec|command)$/.test(word));
  const program = words[at]?.split('/').at(-1) ?? '';
  const plain = words.slice(at + 1).filter((word) => !word.startsWith('-'));
  if (program === 'rsync' && !plain.some((word) => word.includes(':'))) return [];
  if (programs.has(program)) {
    const [host] = plain.flatMap((word) => /^(?:[\w.-]+@)?([\w-]+(?:\.[\w-]+)+|(?<=@)[\w-]+)/.exec(word)?.[1] ?? []);
    return [{ kind: 'leaves', ...(host === undefined ? {} : { to: host }) }];
  }
  const [verb = '', target] = plain;
  if (verbs[program]?.has(verb) !== true) return [];
  return [{ kind: 'leaves', ...(program === 'git' && toRemote.has(verb) ? { to: target ?? 'origin' } : {}) }];
}

function addresses(url: string): ApprovalHint[] {
  const [, host, port = ''] = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#\s]*@)?(\[[^\]]*\]|[^/?#:\s]*)(:\d+)?/i.exec(url) ?? [];
  if (host === undefined) return [{ kind: 'leaves' }];
  const isHere = host === '' || /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/i.test(host);
  return isHere ? [] : [{ kind: 'leaves', to: host + port }];
}

const looksLikePath = (word: string): boolean => /^(?:\/|~|\.\.(?:\/|$))|\/\.\.(?:\/|$)/.test(word);
/** Read or written by everything, and of no interest. */
const everybodys = /^\/dev\/(?:null|zero|stdin|stdout|stderr|tty)$/;

function outside(path: string, cwd: string): ApprovalHint[] {
  if (everybodys.test(path)) return [];
  if (path.startsWith('~')) return [{ kind: 'outside', path }];
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${cwd}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const normal = `/${parts.join('/')}`;
  return isInFolder(normal, cwd) ? [] : [{ kind: 'outside', path: normal }];
}
