/**
 * A process of figures/fan-out.ts. Arguments: the address as JSON, how many watch it. Says 0 when all watch, then the
 * bytes that came when all have seen the end; ends with its parent.
 */
import { Attached } from './attached.ts';
import type { Address } from './contestants/contestant.ts';
import { marks } from './scripts.ts';

const address = JSON.parse(process.argv[2] ?? '') as Address;
const count = Number(process.argv[3]);
const clients = await Promise.all(Array.from({ length: count }, () => Attached.open(address)));
await Promise.all(clients.map((client) => client.seen(marks.ready)));
const before = clients.reduce((sum, { bytes }) => sum + bytes, 0);
process.send?.(0);
process.once('disconnect', () => process.exit(0));
await Promise.all(clients.map((client) => client.seen(marks.done)));
process.send?.(clients.reduce((sum, { bytes }) => sum + bytes, -before));
