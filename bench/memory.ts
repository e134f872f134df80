/**
 * What the server holds for sessions at rest and for connections that are only open:
 *   node bench/memory.ts [--sessions N] [--connections N]
 * Proportional set size of the server's process, which is let rest before each look. About 2 minutes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Resources } from '@holdfast/cli/resources.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import { addFacts, addSessions, openStore } from './filling.ts';
import { startInstallation } from './installation.ts';
import { paced } from './paced.ts';
import { machine, runBench, say } from './run-bench.ts';
import { memoryBytes } from './terminals/usage.ts';
import { openWebSocket, type RawWebSocket } from './terminals/websocket.ts';

const { values } = parseArgs({
  options: { sessions: { type: 'string', default: '10000' }, connections: { type: 'string', default: '1000' } },
});
const sessionCount = Number(values.sessions);
const connectionCount = Number(values.connections);
const factsEach = 20;
/** Of nothing to do, before memory is looked at, ms. */
const rest = 5_000;

await runBench(async (owner: Resources) => {
  const started = await startInstallation(owner);
  const { installation, api, dataDirectory } = started;
  const workspaceId = await api.workspace(installation.workspaces);
  const model = await api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo' } });
  const resting = async (): Promise<number> => {
    await delay(rest);
    return memoryBytes([started.serverPid()]);
  };
  const restart = async (): Promise<void> => {
    await installation.terminate();
    await installation.start();
  };
  await restart();
  const empty = await resting();

  await installation.terminate();
  const store = await openStore(dataDirectory);
  say(`${sessionCount} sessions of ${factsEach} facts …`);
  for (const id of await addSessions(store, model, sessionCount)) await addFacts(store, id, factsEach);
  await store.close();
  await installation.start();
  const filled = await resting();

  const port = Number(new URL(installation.origin).port);
  const connect = () => paced(() => idleConnection(port, api.key));
  // What the first few bring along is not of each.
  const first = await Promise.all(Array.from({ length: 20 }, connect));
  const before = await resting();
  say(`${connectionCount} connections …`);
  const connections: RawWebSocket[] = [];
  owner.add(() => [...first, ...connections].forEach((connection) => connection.close()));
  while (connections.length < connectionCount) connections.push(await connect());
  const connected = await resting();

  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const kilobytes = (bytes: number): string => (bytes / 1e3).toFixed(1);
  process.stdout.write(
    `${machine()}\n\n| | server MB | KB each |\n|---|---|---|\n` +
      `| nothing but one session | ${megabytes(empty)} | – |\n` +
      `| ${sessionCount} idle sessions in the store | ${megabytes(filled)} | ${kilobytes((filled - empty) / sessionCount)} |\n` +
      `| and ${connectionCount} idle connections, each watching the list | ${megabytes(connected)} | ` +
      `${kilobytes((connected - before) / connectionCount)} |\n`,
  );
});

/** The server's question whether anybody is there: its nonce goes back. */
function answerPing(socket: RawWebSocket, text: string): void {
  const ping = /^42(\d+)\["ping",(\{.*\})\]$/.exec(text);
  if (ping) socket.send(`43${ping[1]}[${ping[2]}]`);
}

/** A page with nothing open: it watches the list of sessions and answers the server's pings. */
async function idleConnection(port: number, key: string): Promise<RawWebSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket: RawWebSocket = await openWebSocket(
    { port, path: '/socket.io/?EIO=4&transport=websocket' },
    {
      frame: (payload, binary) => {
        if (binary) return;
        const text = payload.toString('utf8');
        if (text === '2') socket.send('3');
        else if (text.startsWith('40')) {
          socket.send(`421${JSON.stringify(['hello', { protocolVersion }])}`);
          socket.send(`422${JSON.stringify(['watch', {}])}`);
        } else if (text.startsWith('0')) socket.send(`40${JSON.stringify({ key })}`);
        else if (text.startsWith('432')) resolve();
        else if (text.startsWith('44')) reject(new Error(text));
        else answerPing(socket, text);
      },
      closed: () => reject(new Error('the server closed the connection')),
    },
  );
  await promise;
  return socket;
}
