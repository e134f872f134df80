/** The command line, parsed once. */
import { parseArgs } from 'node:util';
import { type ClientInvocation, clientUsage, parseClientInvocation } from './client/client-arguments.ts';
import { Failure } from './failure.ts';

export type Invocation =
  | { readonly command: 'serve' }
  | { readonly command: 'stop'; readonly all: boolean }
  | { readonly command: 'key create'; readonly label: string }
  | { readonly command: 'login-link' }
  | { readonly command: 'doctor' }
  | {
      readonly command: 'runner';
      /** Origin of the server, as it was typed. */
      readonly server: string;
      /** null: in HOLDFAST_RUNNER_KEY, where other users of the machine do not see it. */
      readonly key: string | null;
      /** What people call this machine; null: its host name. */
      readonly name: string | null;
    }
  | { readonly command: 'help' }
  | ClientInvocation;

export const usage = `Usage: npm run -s holdfast -- COMMAND

  serve                     start the server (what npm start does)
  stop [--all]              stop the server; with --all also the holder and everything that runs in it
  key create --label NAME   print a new API key
  login-link                print a new one-time login link
  doctor                    say what works here and what does not
  runner --server URL [--key KEY] [--name NAME]
                            make this machine usable from the server at URL; the key may
                            also stand in HOLDFAST_RUNNER_KEY

${clientUsage}
Settings come from HOLDFAST_* variables or <data directory>/holdfast.env; see docs/operations.md.
`;

/** The command each option belongs to. */
const homes: Readonly<Record<string, string>> = {
  all: 'stop',
  label: 'key create',
  server: 'runner',
  key: 'runner',
  name: 'runner',
};

export function parseInvocation(argv: readonly string[]): Invocation {
  const asking = parseClientInvocation(argv);
  if (asking !== null) return asking;
  const { positionals, values } = parse(argv);
  const command = positionals.join(' ');
  if (values.help === true || command === 'help' || command === '') return { command: 'help' };
  const given = Object.keys(values) as (keyof typeof values)[];
  if (given.some((option) => homes[option] !== undefined && homes[option] !== command)) {
    throw new Failure('usage', usage);
  }
  switch (command) {
    case 'serve':
    case 'login-link':
    case 'doctor':
      return { command };
    case 'stop':
      return { command, all: values.all === true };
    case 'key create':
      if (values.label === undefined) throw new Failure('usage', 'key create needs --label NAME.');
      return { command, label: values.label };
    case 'runner':
      if (values.server === undefined) throw new Failure('usage', 'runner needs --server URL.');
      return { command, server: values.server, key: values.key ?? null, name: values.name ?? null };
    default:
      throw new Failure('usage', `There is no command "${command}".\n\n${usage}`);
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        all: { type: 'boolean' },
        label: { type: 'string' },
        server: { type: 'string' },
        key: { type: 'string' },
        name: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new Failure('usage', `${(error as Error).message}\n\n${usage}`);
  }
}
