/** Looks at everything the program needs and says in words what works and what to do about the rest. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { connectHolder } from '@holdfast/holder/client.ts';
import { createClaudeDriver } from '@holdfast/runner/agents/claude/driver.ts';
import { agentEnvironment } from '@holdfast/runner/environment.ts';
import { prepareRoots } from '@holdfast/runner/workspace-path.ts';
import type { Configuration } from '@holdfast/server/config/configuration.ts';
import { openSqliteStore } from '@holdfast/store/sqlite/open.ts';
import { runningInstance } from './instance-lock.ts';
import { webRoot } from './web-root.ts';

/** true: a server can run here. */
export async function doctor(
  configuration: Configuration,
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<boolean> {
  const { dataDirectory, workspaceRoots } = configuration;
  let healthy = true;
  const tell = (ok: boolean, what: string): void => {
    say(`${ok ? 'ok  ' : 'no  '} ${what}`);
  };
  const need = (ok: boolean, what: string): void => {
    healthy &&= ok;
    tell(ok, what);
  };
  const major = Number(process.versions.node.split('.')[0]);
  need(major >= 24, `Node ${process.versions.node}${major >= 24 ? '' : ': 24 or later is needed; run npm install'}`);
  const database = join(dataDirectory, 'holdfast.db');
  const instance = runningInstance(dataDirectory);
  if (existsSync(database) && instance === null) {
    const store = await openSqliteStore({ path: database });
    need(store.ok, store.ok ? `database ${database}` : store.error.message);
    if (store.ok) await store.value.close();
  }
  const roots = await prepareRoots(workspaceRoots);
  need(roots.ok, roots.ok ? `workspaces in ${roots.value.join(', ')}` : roots.error.message);
  tell(webRoot() !== null, webRoot() === null ? 'the page is not built: npm start builds it' : 'the page is built');
  tell(instance !== null, instance === null ? 'no server is running' : `a server is running at ${instance.url}`);
  const holder = await connectHolder({ socketPath: configuration.holderSocket });
  if (holder.ok) {
    const held = await holder.value.list();
    tell(held.ok, held.ok ? `the holder is running with ${held.value.length} processes` : held.error.message);
    holder.value.close();
  } else {
    tell(false, 'no holder is running: the server starts one');
  }
  const claude = await createClaudeDriver({ environment: agentEnvironment(environment) }).info();
  tell(claude.available, claude.available ? 'Claude Code can be used' : claude.remedy.join('\n     '));
  return healthy;
}
