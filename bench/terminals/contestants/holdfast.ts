/** Ours, as it is started by whoever uses it: the server with the runner inside, and the holder beside it. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { end, type Installation } from '../../../e2e/support/program.ts';
import { startInstallation } from '../../installation.ts';
import { firstAnswer } from './child.ts';
import { type Contestant, size } from './contestant.ts';

const startScript = fileURLToPath(new URL('../../../scripts/start.mjs', import.meta.url));

export const ours = 'Holdfast';

export function holdfast(): Contestant {
  return {
    name: ours,
    missing: null,
    start: async (owner) => {
      const started = await startInstallation(owner);
      const { installation, api } = started;
      const workspaceId = await api.workspace(installation.workspaces);
      const port = Number(new URL(installation.origin).port);
      let server = started.serverPid();
      return {
        pids: () => [server, started.holderPid],
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
          server = started.serverPid();
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
