/** The demo agent as one of the agents: always there, needs nothing. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAcpDriver } from '../acp/driver.ts';
import type { AgentDriver } from '../driver.ts';

export interface DemoDriverOptions {
  /** Where it keeps what it remembers. Made when missing. */
  readonly stateDir: string;
  /** The whole environment of its process. */
  readonly environment: Readonly<Record<string, string>>;
  /** The Node that runs it; default: the one this runs on. */
  readonly nodePath?: string;
}

export function createDemoDriver({
  stateDir,
  environment,
  nodePath = process.execPath,
}: DemoDriverOptions): AgentDriver {
  // main.ts here, main.js in a built package.
  const main = fileURLToPath(new URL(`./main${extname(import.meta.filename)}`, import.meta.url));
  return createAcpDriver({
    provider: 'demo',
    name: 'Demo',
    description: 'Demo, no model: real tools by simple commands. Needs no key and no network.',
    command: { file: nodePath, args: [main], env: { ...environment, HOLDFAST_DEMO_STATE: stateDir } },
    quirks: { readsAnswerDetails: true },
  });
}
