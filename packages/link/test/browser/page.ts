/** What the browser test drives: a client with its outbox on the browser's disk. Bundled by the test. */
import type { KeptCommand } from '@holdfast/core/client/outbox.ts';
import type { HoldfastClient } from '../../src/client-interface.ts';
import { createClient } from '../../src/client.ts';
import { indexedDbOutbox } from '../../src/indexed-db-outbox.ts';
import type { OutboxStorage } from '../../src/outbox-storage.ts';
import { systemClock } from '../../src/system-clock.ts';

declare global {
  interface Window {
    holdfast: HoldfastClient;
    /** A storage of its own, for the contract, and what it has been handed. */
    openOutbox: () => Promise<void>;
    outbox: OutboxStorage;
    adopted: KeptCommand[];
  }
}

const makeId = (): string => crypto.randomUUID();

window.holdfast = createClient({
  url: location.origin,
  storage: indexedDbOutbox({ name: 'holdfast-outbox-test', tab: makeId() }),
  firstFailure: 'retry',
  clock: systemClock,
  random: Math.random,
  makeId,
});

window.adopted = [];
window.openOutbox = () => {
  window.outbox = indexedDbOutbox({ name: 'holdfast-outbox-contract', tab: makeId() });
  return window.outbox.open((commands) => window.adopted.push(...commands));
};
