/**
 * Time from dialling to `synced` against what was missed and against how long the session is:
 *   node bench/resume.ts [--rounds N]
 * The server is the real program, the client the page's, over a WebSocket of this machine. About 2 minutes, most of
 * them for writing a million facts.
 */
import { parseArgs } from 'node:util';
import type { Resources } from '@holdfast/cli/resources.ts';
import { addFacts, openStore } from './filling.ts';
import { newClient } from './client.ts';
import { startInstallation } from './installation.ts';
import { machine, runBench, say } from './run-bench.ts';
import { median } from './terminals/statistics.ts';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } });
const histories = [100, 10_000, 1_000_000];
/** Above the window of 10,000 the newest 200 come, with the session's state. */
const behinds = [0, 100, 10_000, 1_000_000];

interface Case {
  readonly history: number;
  readonly behind: number;
  readonly times: number[];
  facts: number;
}

await runBench(async (owner: Resources) => {
  const { installation, api, dataDirectory } = await startInstallation(owner);
  const workspaceId = await api.workspace(installation.workspaces);
  const sessions = new Map<number, string>();
  for (const history of histories) {
    sessions.set(history, await api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo' } }));
  }
  await installation.terminate();
  const store = await openStore(dataDirectory);
  for (const [history, id] of sessions) {
    say(`${history.toLocaleString('en')} facts …`);
    await addFacts(store, id, history);
  }
  await store.close();
  await installation.start();

  const cases = histories.flatMap((history) =>
    behinds.filter((behind) => behind <= history).map((behind): Case => ({ history, behind, times: [], facts: 0 })),
  );
  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const each of cases) {
      const resumed = await resume(installation.origin, api.key, sessions.get(each.history) as string, each.behind);
      each.times.push(resumed.milliseconds);
      each.facts = resumed.facts;
    }
  }
  const base = median(cases[0]?.times ?? []);
  const lines = cases.map(({ history, behind, facts, times }) => {
    const time = median(times);
    const cells = [history, behind, facts].map((count) => count.toLocaleString('en'));
    return `| ${[...cells, time.toFixed(1), (time / base).toFixed(1)].join(' | ')} |`;
  });
  process.stdout.write(
    `${machine()}, medians of ${values.rounds}\n\n` +
      '| facts in the session | behind | facts sent | ms from dialling to synced | of the first |\n|---|---|---|---|---|\n' +
      `${lines.join('\n')}\n`,
  );
});

/** One device that comes back, having all but the last `behind` facts. */
async function resume(
  url: string,
  key: string,
  sessionId: string,
  behind: number,
): Promise<{ milliseconds: number; facts: number }> {
  const lastSeq = await lastSeqOf(url, key, sessionId);
  const client = newClient({ url, key, transports: ['websocket'] });
  try {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    let facts = 0;
    client.openSession(
      sessionId,
      { after: Math.max(lastSeq - behind, 0) },
      {
        facts: (more) => void (facts += more.length),
        reset: (tail) => void (facts += tail.facts.length),
        synced: (seq) => resolve(seq),
        refused: (error) => reject(new Error(error.message)),
      },
    );
    const begin = performance.now();
    client.connect();
    const seq = await promise;
    if (seq !== lastSeq) throw new Error(`synced at ${seq} of ${lastSeq}`);
    return { milliseconds: performance.now() - begin, facts };
  } finally {
    await client.close();
  }
}

async function lastSeqOf(url: string, key: string, sessionId: string): Promise<number> {
  const answer = await fetch(`${url}/api/sessions/${sessionId}`, { headers: { authorization: `Bearer ${key}` } });
  return ((await answer.json()) as { lastSeq: number }).lastSeq;
}
