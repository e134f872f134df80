import { join } from 'node:path';

/** Where a holder keeps what is its own. The socket's path is stable and carries no version. */
export function holderFiles(dataDirectory: string): {
  readonly socket: string;
  readonly lock: string;
  /** {pid, startedAt} */
  readonly state: string;
  readonly log: string;
} {
  return {
    socket: join(dataDirectory, 'holder.sock'),
    lock: join(dataDirectory, 'holder.lock'),
    state: join(dataDirectory, 'holder.json'),
    log: join(dataDirectory, 'holder.log'),
  };
}

/** How the holder's program ends when it cannot do its work. */
export const exitCodes = { usage: 2, alreadyRunning: 3, cannotListen: 4, unusableDirectory: 5 } as const;

/** Bytes of a Unix socket's path that every system takes (macOS: 104 with the final NUL). */
export const maximumSocketPath = 103;
