/** Ours, as it is started by whoever uses it: the server with the runner inside, and the holder beside it. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runningInstance } from '@holdfast/cli/instance-lock.ts';
import { holderFiles } from '@holdfast/holder/holder-files.ts';
import { Api } from '../../../e2e/support/api.ts';
import { processesOf } from '../../../e2e/support/processes.ts';
import { end, install, type Installation } from '../../../e2e/support/program.ts';
import { firstAnswer } from './child.ts';
import { type Contestant, size } from './contestant.ts';

/** What one person may have is not what is measured. */
const unlimited = {
  HOLDFAST_MAX_SESSIONS: '0',
  HOLDFAST_MAX_CONNECTIONS: '0',
  HOLDFAST_STARTS_PER_MINUTE: '0',
  HOLDFAST_INPUT_BYTES_PER_SECOND: '0',
};

const startScript = fileURLToPath(new URL('../../../scripts/start.mjs', import.meta.url));

export const ours = 'Holdfast';

export function holdfast(): Contestant {
  return {
    name: ours,
    missing: null,
    start: async (owner) => {
      const installation = await install({ model: false, environment: unlimited });
      const dataDirectory = join(installation.directory, 'data');
      owner.add(async () => {
        await installation.dispose();
        // What was on its way when the bench was interrupted.
        for (const pid of [...processesOf('', dataDirectory), ...processesOf(dataDirectory, '')]) kill(pid);
      });
      await installation.start();
      const api = await Api.open(installation);
      const workspaceId = await api.workspace(installation.workspaces);
      const serverPid = (): number => runningInstance(dataDirectory)?.pid ?? NaN;
      const holderPid = holderPidOf(dataDirectory);
      const port = Number(new URL(installation.origin).port);
      let server = serverPid();
      return {
        pids: () => [server, holderPid],
        terminal: async (script) => {
          const terminal = { shell: 'bash', args: [script], cols: size.columns, rows: size.rows };
          const sessionId = await api.create({ kind: 'terminal', workspaceId, terminal });
          await api.fact(sessionId, 'session.started');
          return { kind: 'holdfast', port, key: api.key, sessionId };
        },
        shared: true,
        unattended: true,
        restart: async (begun) => {
          await installation.kill();
          begun();
          await installation.start();
          server = serverPid();
        },
        coldStart: async () => {
          // Once before, so that what is compiled on the first start is there.
          await coldStart(installation);
          return coldStart(installation);
        },
      };
    },
  };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

function holderPidOf(dataDirectory: string): number {
  const state = JSON.parse(readFileSync(holderFiles(dataDirectory).state, 'utf8')) as { pid: number };
  return state.pid;
}

/** What `npm start` runs, with nothing left of an earlier start but the files. */
async function coldStart(installation: Installation): Promise<{ first: number; ready: number }> {
  const { environment, origin } = installation;
  await installation.run('stop', '--all');
  const begin = performance.now();
  const child = spawn(process.execPath, [startScript], { env: environment, stdio: 'ignore' });
  try {
    const [first, ready] = await Promise.all(
      ['healthz', 'readyz'].map((name) => firstAnswer(`${origin}/${name}`, begin)),
    );
    return { first: first as number, ready: ready as number };
  } finally {
    await end(child, 'SIGTERM');
  }
}
