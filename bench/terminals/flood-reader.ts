/** A process of flood.ts: argument is the address as JSON. Says so when the first MB is there; ends with its parent. */
import { Attached } from './attached.ts';
import type { Address } from './contestants/contestant.ts';
import { marks } from './scripts.ts';

const client = await Attached.open(JSON.parse(process.argv[2] ?? '') as Address);
await client.seen(marks.ready);
client.onOutput = () => {
  if (client.bytes < 1_000_000) return;
  client.onOutput = null;
  process.send?.('flows');
};
client.write('g');
process.once('disconnect', () => process.exit(0));
