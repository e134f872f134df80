/** What the browser test drives: a client with its outbox on the browser's disk. Bundled by the test. */
import type { HoldfastClient } from '../../src/client-interface.ts';
import { createClient } from '../../src/client.ts';
import { indexedDbOutbox } from '../../src/indexed-db-outbox.ts';
import { systemClock } from '../../src/system-clock.ts';

declare global {
  interface Window {
    holdfast: HoldfastClient;
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
