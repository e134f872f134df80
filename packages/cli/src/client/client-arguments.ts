/** The part of the command line that asks a server, parsed once. */
import { parseArgs } from 'node:util';
import { Failure } from '../failure.ts';

/** Which server, with which key; null: of the environment, else the server of this machine. */
export interface Where {
  readonly server: string | null;
  readonly key: string | null;
}

export type ClientCommand =
  | { readonly command: 'ls'; readonly all: boolean; readonly json: boolean }
  | {
      readonly command: 'new';
      readonly agent: string | null;
      readonly cwd: string | null;
      readonly title: string | null;
      readonly prompt: string | null;
    }
  /** text null: standard input. wait: until the agent is done with it. */
  | { readonly command: 'send'; readonly session: string; readonly text: string | null; readonly wait: boolean }
  | { readonly command: 'stop session'; readonly session: string; readonly end: boolean }
  /** approval null: list what waits. */
  | {
      readonly command: 'approve';
      readonly approval: string | null;
      readonly answers: readonly string[];
      readonly forSession: boolean;
      readonly json: boolean;
    }
  | { readonly command: 'deny'; readonly approval: string | null; readonly feedback: string; readonly json: boolean }
  | {
      readonly command: 'logs';
      readonly session: string;
      readonly follow: boolean;
      readonly all: boolean;
      readonly json: boolean;
    }
  | { readonly command: 'attach'; readonly session: string; readonly take: boolean }
  | { readonly command: 'outbox'; readonly json: boolean }
  | { readonly command: 'outbox retry' | 'outbox discard'; readonly id: string };

export type ClientInvocation = ClientCommand & { readonly where: Where };

export const clientUsage = `  ls [--all] [--json]       sessions: state, kind, title, machine
  new [--agent NAME|shell] [--cwd DIR] [--title TITLE] [PROMPT]
                            a new session; prints its id. Without a prompt a shell
  send SESSION TEXT|- [--wait]
                            a message to an agent; - reads it from standard input,
                            --wait stays until the agent is done with it
  stop SESSION [--end]      stop an agent's turn, or end a terminal; --end ends an agent's session
  approve [ID [ANSWER …]] [--session] [--json]
  deny [ID [FEEDBACK]] [--json]
                            what waits for you; or allow or deny it
  logs SESSION [--follow] [--all] [--json]
                            the newest part of a conversation, or a terminal's screen
  attach SESSION [--take]   a terminal, in this one; Ctrl-] detaches. --take: also from
                            another device that drives it
  outbox [--json]           what is kept here because it could not be sent
  outbox retry ID, outbox discard ID

A SESSION is its id, the beginning of its id, or its title. These ask the server of this machine, or
the one at --server URL with --key KEY (HOLDFAST_SERVER, HOLDFAST_KEY); see docs/cli.md.
`;

const commands = new Set(['ls', 'new', 'send', 'approve', 'deny', 'logs', 'attach', 'outbox']);

const options = {
  server: { type: 'string' },
  key: { type: 'string' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
  agent: { type: 'string' },
  cwd: { type: 'string' },
  title: { type: 'string' },
  wait: { type: 'boolean' },
  end: { type: 'boolean' },
  session: { type: 'boolean' },
  follow: { type: 'boolean', short: 'f' },
  take: { type: 'boolean' },
} as const;

const allowed: Readonly<Record<ClientCommand['command'], readonly (keyof typeof options)[]>> = {
  ls: ['all', 'json'],
  new: ['agent', 'cwd', 'title'],
  send: ['wait'],
  'stop session': ['end'],
  approve: ['session', 'json'],
  deny: ['json'],
  logs: ['follow', 'all', 'json'],
  attach: ['take'],
  outbox: ['json'],
  'outbox retry': [],
  'outbox discard': [],
};

/** null: none of these commands. Failure: one of them, used wrongly. */
export function parseClientInvocation(argv: readonly string[]): ClientInvocation | null {
  const [word, next] = parseArgs({ args: [...argv], allowPositionals: true, strict: false, options }).positionals;
  const ofSession = word === 'stop' && next !== undefined;
  if (word === undefined || (!commands.has(word) && !ofSession) || argv.includes('--help') || argv.includes('-h'))
    return null;
  const { positionals, values } = parse(argv);
  const parsed = commandOf(word, positionals.slice(1), values);
  const strange = Object.keys(values).find((name) => !['server', 'key', ...allowed[parsed.command]].includes(name));
  if (strange !== undefined) throw misuse(`${parsed.command} has no --${strange}.`);
  return { ...parsed, where: { server: values.server ?? null, key: values.key ?? null } };
}

type Values = ReturnType<typeof parse>['values'];

function commandOf(word: string, rest: readonly string[], values: Values): ClientCommand {
  const { all = false, json = false, wait = false, end = false, follow = false, session: forSession = false } = values;
  const [first, ...others] = rest;
  const text = others.join(' ');
  const only = (most: number): void => {
    if (rest.length > most) throw misuse(`What is "${rest[most] ?? ''}" to ${word}?`);
  };
  switch (word) {
    case 'ls':
      only(0);
      return { command: 'ls', all, json };
    case 'new': {
      const { agent = null, cwd = null, title = null } = values;
      return { command: 'new', agent, cwd, title, prompt: rest.length === 0 ? null : rest.join(' ') };
    }
    case 'send':
      if (first === undefined || others.length === 0)
        throw misuse('send needs a SESSION and a TEXT, or - for standard input.');
      return { command: 'send', session: first, text: text === '-' ? null : text, wait };
    case 'stop':
      only(1);
      if (first === undefined) throw misuse('stop needs a SESSION here.');
      return { command: 'stop session', session: first, end };
    case 'approve':
      return { command: 'approve', approval: first ?? null, answers: others, forSession, json };
    case 'deny':
      return { command: 'deny', approval: first ?? null, feedback: text, json };
    case 'attach':
      if (first === undefined) throw misuse('attach needs a SESSION.');
      only(1);
      return { command: 'attach', session: first, take: values.take === true };
    case 'logs':
      if (first === undefined) throw misuse('logs needs a SESSION.');
      only(1);
      return { command: 'logs', session: first, follow, all, json };
    default:
      if (first === undefined) return { command: 'outbox', json };
      only(2);
      if ((first !== 'retry' && first !== 'discard') || others[0] === undefined) {
        throw misuse('It is outbox, outbox retry ID or outbox discard ID.');
      }
      return { command: `outbox ${first}`, id: others[0] };
  }
}

const misuse = (why: string): Failure => new Failure('usage', `${why}\n\nUsage:\n${clientUsage.trimEnd()}`);

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options });
  } catch (error) {
    throw misuse((error as Error).message);
  }
}
