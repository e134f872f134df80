/** A runner as its own program, as on another machine: own data directory, own holder, own workspaces. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { bin, end, lineOf } from './program.ts';

export interface RemoteMachine {
  readonly dataDirectory: string;
  readonly workspaces: string;
  /** Starts the runner; resolves when it is linked. server: where it dials. */
  start(server: string, key: string): Promise<void>;
  /** Starts another one on the same directory; resolves with its exit code when it ends by itself. */
  runToEnd(server: string, key: string): Promise<number | null>;
  /** kill -9 of the runner alone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** All it has printed since it was last started. */
  output(): string;
  /** Ends runner and holder and all that runs in it, and removes the directory. */
  dispose(): Promise<void>;
}

/** agents: of the environment, what its agents need to run. */
export function remoteMachine(name: string, agents: NodeJS.ProcessEnv = {}): RemoteMachine {
  const temporary = temporaryDirectory();
  const workspaces = join(temporary.path, 'far-workspaces');
  const dataDirectory = join(temporary.path, 'data');
  const home = join(temporary.path, 'home');
  for (const path of [workspaces, home]) mkdirSync(path);
  const environment = {
    PATH: process.env['PATH'],
    HOME: home,
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    PS1: '$ ',
    HOLDFAST_DATA_DIR: dataDirectory,
    HOLDFAST_WORKSPACES_ROOT: workspaces,
    ...agents,
  };
  let child: ChildProcess | null = null;
  let printed = '';

  const launch = (server: string, key: string): ChildProcess => {
    printed = '';
    const launched = spawn(process.execPath, [bin, 'runner', '--server', server, '--name', name], {
      env: { ...environment, HOLDFAST_RUNNER_KEY: key },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [launched.stdout, launched.stderr]) {
      stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    }
    return launched;
  };
  const finish = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child !== null) await end(child, signal);
    return child?.exitCode ?? null;
  };

  return {
    dataDirectory,
    workspaces,
    output: () => printed,
    start: async (server, key) => {
      child = launch(server, key);
      await lineOf(child, /(Linked to \S+)\./);
    },
    runToEnd: (server, key) => new Promise((resolve) => launch(server, key).once('exit', (code) => resolve(code))),
    kill: async () => void (await finish('SIGKILL')),
    stop: () => finish('SIGTERM'),
    dispose: async () => {
      await finish('SIGTERM');
      spawnSync(process.execPath, [bin, 'stop', '--all'], { env: environment });
      temporary[Symbol.dispose]();
    },
  };
}
