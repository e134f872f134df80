/** ttyd alone, and ttyd with tmux in it (which is what gives it survival). Found by TTYD or on PATH. */
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import type { Resources } from '@holdfast/cli/resources.ts';
import { childrenOf } from '../usage.ts';
import { firstAnswer, isExecutable, programPath, type StartedProgram, startProgram } from './child.ts';
import type { Contestant } from './contestant.ts';

/** Every client has a terminal of its own, which ends with it. */
export function ttyd(): Contestant {
  return {
    name: 'ttyd',
    missing: ttydPath() === null ? 'ttyd is not installed (TTYD or PATH)' : null,
    start: async (owner) => {
      let server = await startTtyd(owner, 0, ['bash']);
      return {
        pids: () => [server.pid],
        terminal: async (script) => ({ kind: 'ttyd', port: Number(server.found), path: pathOf([script]) }),
        shared: false,
        unattended: false,
        restart: null,
        coldStart: async () => {
          await server.stop();
          const port = Number(server.found);
          const begin = performance.now();
          const starting = startTtyd(owner, port, ['bash']);
          const first = await firstAnswer(`http://127.0.0.1:${port}/`, begin);
          server = await starting;
          return { first };
        },
      };
    },
  };
}

/** Every client attaches to a tmux session; the first one starts it. */
export function ttydWithTmux(directory: string): Contestant {
  const tmux = programPath('tmux');
  const missing = ttydPath() === null ? 'ttyd is not installed (TTYD or PATH)' : 'tmux is not installed';
  return {
    name: 'ttyd + tmux',
    missing: ttydPath() === null || tmux === null ? missing : null,
    start: async (owner) => {
      const socket = join(directory, 'tmux.sock');
      const configuration = join(directory, 'tmux.conf');
      writeFileSync(
        configuration,
        'set -g status off\nset -g history-limit 5000\nset -g default-terminal tmux-256color\n',
      );
      const command = [tmux ?? 'tmux', '-f', configuration, '-S', socket, 'new-session', '-A', '-s'];
      owner.add(() => {
        for (const pid of tmuxServer(socket)) process.kill(pid, 'SIGKILL');
      });
      let server = await startTtyd(owner, 0, command);
      const port = Number(server.found);
      let sessions = 0;
      return {
        pids: () => [server.pid, ...tmuxServer(socket), ...childrenOf(server.pid, 'tmux: client')],
        terminal: async (script) => {
          sessions += 1;
          return { kind: 'ttyd', port, path: pathOf([`s${sessions}`, 'bash', script]) };
        },
        shared: true,
        unattended: false,
        restart: async (begun) => {
          await server.stop();
          begun();
          server = await startTtyd(owner, port, command);
        },
        coldStart: null,
      };
    },
  };
}

function ttydPath(): string | null {
  const named = process.env['TTYD'];
  if (named !== undefined) return isExecutable(named) ? named : null;
  return programPath('ttyd');
}

/** `-a`: each client's arguments come in its address. port 0: any. */
function startTtyd(owner: Resources, port: number, command: readonly string[]): Promise<StartedProgram> {
  return startProgram(
    owner,
    [ttydPath() ?? 'ttyd', '-a', '-W', '-i', 'lo', '-p', String(port), ...command],
    /Listening on port: (\d+)/,
  );
}

function pathOf(commandLine: readonly string[]): string {
  return `/ws?${commandLine.map((argument) => `arg=${argument}`).join('&')}`;
}

function tmuxServer(socket: string): number[] {
  const asked = spawnSync('tmux', ['-S', socket, 'display-message', '-p', '#{pid}'], { encoding: 'utf8' });
  return asked.status === 0 ? [Number(asked.stdout)] : [];
}
