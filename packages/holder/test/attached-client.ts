/**
 * A client in a process of its own, to be killed: starts a holder and two programs, reads the terminal, and tells its
 * parent what it has read: {pid} first, then {offset} after each block.
 * Usage: attached-client.ts <data directory>
 */
import { ensureHolder } from '../src/launch.ts';
import { pipe, shell, value } from './holder-fixture.ts';

const holder = value(await ensureHolder({ dataDir: process.argv[2] as string }));
value(await holder.spawn('prints.1', shell('i=0; while :; do i=$((i+1)); echo "line $i"; read -t 0.002 x; done'), {}));
value(await holder.spawn('agent.1', pipe('read line; echo "heard $line"; sleep 1000'), { turn: 't1' }));
process.send?.({ pid: holder.pid });
holder.read('prints.1', 'out', 0, {
  data: (offset, bytes) => void process.send?.({ offset: offset + bytes.length }),
  gap: () => undefined,
  end: () => undefined,
});
