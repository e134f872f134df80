/** The command line, parsed once. */
import { parseArgs } from 'node:util';
import { Failure } from './failure.ts';

export type Invocation =
  | { readonly command: 'serve' }
  | { readonly command: 'stop'; readonly all: boolean }
  | { readonly command: 'key create'; readonly label: string }
  | { readonly command: 'login-link' }
  | { readonly command: 'doctor' }
  | { readonly command: 'help' };

export const usage = `Usage: npm run -s holdfast -- COMMAND

  serve                     start the server (what npm start does)
  stop [--all]              stop the server; with --all also the holder and everything that runs in it
  key create --label NAME   print a new API key
  login-link                print a new one-time login link
  doctor                    say what works here and what does not

Settings come from HOLDFAST_* variables or <data directory>/holdfast.env; see docs/operations.md.
`;

export function parseInvocation(argv: readonly string[]): Invocation {
  const { positionals, values } = parse(argv);
  const command = positionals.join(' ');
  if (values.help === true || command === 'help' || command === '') return { command: 'help' };
  const wrong = (option: 'all' | 'label', home: string): boolean => values[option] !== undefined && command !== home;
  if (wrong('all', 'stop') || wrong('label', 'key create')) throw new Failure('usage', usage);
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
    default:
      throw new Failure('usage', `There is no command "${command}".\n\n${usage}`);
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { all: { type: 'boolean' }, label: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    });
  } catch (error) {
    throw new Failure('usage', `${(error as Error).message}\n\n${usage}`);
  }
}
