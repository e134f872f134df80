/** The real program in a data directory of its own, started, killed and stopped as people and machines do it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';

export const bin = fileURLToPath(new URL('../../packages/cli/src/bin.ts', import.meta.url));
const modelMain = fileURLToPath(new URL('../../packages/testkit/src/model/main.ts', import.meta.url));
/** A slow machine's first start, with everything to compile, ms. */
const startLimitMs = 60_000;

export interface Installation {
  readonly directory: string;
  readonly workspaces: string;
  readonly dataDirectory: string;
  readonly origin: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Starts the server; resolves with the one-time login link it prints. */
  start(): Promise<string>;
  /** kill -9 of the server process alone. */
  kill(): Promise<void>;
  /** SIGTERM of the server; resolves when it has ended, with its exit code or the signal that ended it. */
  terminate(): Promise<number | NodeJS.Signals>;
  /** `holdfast …` beside the server: its exit code and output. */
  run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
  /** Ends server, holder, model and all that runs in them, and removes the directory. */
  dispose(): Promise<void>;
}

export interface InstallationOptions {
  /** false: no agent endpoint is configured. Default: the scripted model, as a process of its own. */
  readonly model?: boolean;
  readonly environment?: Record<string, string>;
}

export async function install(options: InstallationOptions = {}): Promise<Installation> {
  const temporary = temporaryDirectory();
  const home = join(temporary.path, 'home');
  const workspaces = join(temporary.path, 'workspaces');
  const dataDirectory = options.environment?.['HOLDFAST_DATA_DIR'] ?? join(temporary.path, 'data');
  for (const path of [home, workspaces]) mkdirSync(path);
  const model = options.model === false ? null : await startModel();
  const port = await freePort();
  const environment: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: home,
    SHELL: '/bin/bash',
    LANG: 'C.UTF-8',
    PS1: '$ ',
    HOLDFAST_DATA_DIR: dataDirectory,
    HOLDFAST_WORKSPACES_ROOT: workspaces,
    HOLDFAST_PORT: String(port),
    // What a service manager might leave in the environment, and no shell may ever see.
    SOME_SERVER_SECRET: 'do-not-leak',
    ...(model === null
      ? {}
      : { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: 'test-key', CLAUDE_CONFIG_DIR: join(home, '.claude') }),
    ...options.environment,
  };
  let server: ChildProcess | null = null;

  const run: Installation['run'] = async (...args) => {
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [bin, ...args], { env: environment });
      return { code: 0, stdout, stderr };
    } catch (error) {
      const failed = error as { code?: number; stdout?: string; stderr?: string };
      return { code: failed.code ?? -1, stdout: failed.stdout ?? '', stderr: failed.stderr ?? '' };
    }
  };

  return {
    directory: temporary.path,
    workspaces,
    dataDirectory,
    origin: `http://127.0.0.1:${port}`,
    environment,
    run,
    start: async () => {
      const started = await startServer(environment);
      server = started.process;
      return started.link;
    },
    kill: async () => {
      if (server !== null) await end(server, 'SIGKILL');
    },
    terminate: async () => {
      if (server === null) throw new Error('there is no server');
      await end(server, 'SIGTERM');
      return server.exitCode ?? server.signalCode ?? -1;
    },
    dispose: async () => {
      await run('stop', '--all');
      if (server !== null) await end(server, 'SIGKILL');
      if (model !== null) await end(model.process, 'SIGTERM');
      temporary[Symbol.dispose]();
    },
  };
}

/** Of an installation's environment, what agents on another machine need to reach the scripted model. */
export const agentSettings = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => /^(ANTHROPIC|CLAUDE)_/.test(name)));

async function startServer(environment: NodeJS.ProcessEnv): Promise<{ process: ChildProcess; link: string }> {
  const child = spawn(process.execPath, [bin, 'serve'], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const link = await lineOf(child, /Holdfast is ready: (\S+)/);
  return { process: child, link };
}

async function startModel(): Promise<{ process: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [modelMain, '--port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  return { process: child, url: await lineOf(child, /"url": ?"([^"]+)"/) };
}

/** The first group of the first match in what the program prints. */
export function lineOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const timer = setTimeout(
      () => reject(new Error(`nothing like ${pattern} within a minute:\n${output}`)),
      startLimitMs,
    );
    const look = (chunk: Buffer): void => {
      output += chunk.toString();
      const match = pattern.exec(output);
      if (match?.[1] === undefined) return;
      clearTimeout(timer);
      resolve(match[1]);
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the program ended with ${code}:\n${output}`));
    });
  });
}

export function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill(signal);
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error()),
      );
    });
  });
}
