import type { OutboxStorage } from './outbox-storage.ts';

/** Keeps nothing beyond the client's life: for scripts and tests that have their own ways. */
export function memoryOutbox(): OutboxStorage {
  return {
    open: () => Promise.resolve(),
    put: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    rescan: () => undefined,
    close: () => Promise.resolve(),
  };
}
