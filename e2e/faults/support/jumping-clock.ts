/**
 * Preloaded into a server (NODE_OPTIONS=--import …): its wall clock is off by the seconds in the file TEST_WALL_CLOCK,
 * which a test changes while it runs. Monotonic time is left alone, as a real jump leaves it.
 */
import { readFileSync } from 'node:fs';

const file = process.env['TEST_WALL_CLOCK'] ?? '';
const RealDate = Date;

function offsetMs(): number {
  try {
    return Number(readFileSync(file, 'utf8')) * 1_000;
  } catch {
    return 0;
  }
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: [], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [RealDate.now() + offsetMs()] : args, newTarget) as Date,
  get: (target, name, receiver): unknown =>
    name === 'now' ? () => RealDate.now() + offsetMs() : Reflect.get(target, name, receiver),
});
