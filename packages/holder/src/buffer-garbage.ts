import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Dead buffers that may gather. */
const gatheredBytes = 8 * 1024 * 1024;

let collect: (() => void) | null = null;
let gathered = 0;

/**
 * So many bytes of buffers have been made for output that is about to pass. They lie outside of V8's heap, which lets
 * some 60 MB of dead ones gather before it looks, all of it memory the system has to find anew. Looking after each
 * 8 MB costs less than that (measured: half the CPU of making the buffers), and a flood leaves the process as it was.
 */
export function buffersMade(bytes: number): void {
  gathered += bytes;
  if (gathered < gatheredBytes) return;
  gathered = 0;
  collect ??= minorCollection();
  collect();
}

/** V8 hands the function out to contexts made after it was told to, and to none before. */
function minorCollection(): () => void {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as (options: { type: 'minor' }) => void;
  return () => collectGarbage({ type: 'minor' });
}
