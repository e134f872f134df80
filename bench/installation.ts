/** The real program, started in a directory of its own and with nothing limited: what one person may have is not measured. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runningInstance } from '@holdfast/cli/instance-lock.ts';
import type { Resources } from '@holdfast/cli/resources.ts';
import { holderFiles } from '@holdfast/holder/holder-files.ts';
import { Api } from '../e2e/support/api.ts';
import { processesOf } from '../e2e/support/processes.ts';
import { install, type Installation } from '../e2e/support/program.ts';

const unlimited = {
  HOLDFAST_MAX_SESSIONS: '0',
  HOLDFAST_MAX_CONNECTIONS: '0',
  HOLDFAST_STARTS_PER_MINUTE: '0',
  HOLDFAST_INPUT_BYTES_PER_SECOND: '0',
};

export interface StartedInstallation {
  readonly installation: Installation;
  readonly api: Api;
  readonly dataDirectory: string;
  readonly holderPid: number;
  /** Of the server that runs now. */
  serverPid(): number;
}

/** `owner` ends it, with whatever was on its way when the bench was interrupted. */
export async function startInstallation(owner: Resources): Promise<StartedInstallation> {
  const installation = await install({ model: false, environment: unlimited });
  const dataDirectory = join(installation.directory, 'data');
  owner.add(async () => {
    await installation.dispose();
    for (const pid of [...processesOf('', dataDirectory), ...processesOf(dataDirectory, '')]) kill(pid);
  });
  await installation.start();
  return {
    installation,
    api: await Api.open(installation),
    dataDirectory,
    holderPid: holderPidOf(dataDirectory),
    serverPid: () => runningInstance(dataDirectory)?.pid ?? NaN,
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
