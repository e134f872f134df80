/** The machine's physical limit: a C program that drains the PTY into a plain socket. */
import { compile, programPath, startProgram } from './child.ts';
import type { Contestant } from './contestant.ts';

export function limit(directory: string): Contestant {
  return {
    name: 'limit (C)',
    missing: programPath('cc') === null ? 'no C compiler (cc)' : null,
    start: async (owner) => {
      const program = await startProgram(owner, [compile('limit', directory)], /^(\d+)\n/);
      return {
        pids: () => [program.pid],
        terminal: async (script) => ({ kind: 'raw', port: Number(program.found), command: ['bash', script] }),
        shared: false,
        unattended: false,
        restart: null,
        coldStart: null,
      };
    },
  };
}
