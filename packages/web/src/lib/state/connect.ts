/** The page's own client: same origin, cookie login, unsent commands in the browser's storage. */
import { listenForWakes } from '@holdfast/link/browser-wakes.ts';
import { createClient } from '@holdfast/link/client.ts';
import type { HoldfastClient } from '@holdfast/link/client-interface.ts';
import { indexedDbOutbox } from '@holdfast/link/indexed-db-outbox.ts';
import { createRestClient, type RestClient } from '@holdfast/link/rest.ts';
import { systemClock } from '@holdfast/link/system-clock.ts';

export const restForPage = (): RestClient =>
  createRestClient({ url: location.origin, fetch: window.fetch.bind(window) });

export interface PageClient {
  readonly client: HoldfastClient;
  /** Tells the client of wake-ups and network changes; returns the function that stops. */
  readonly follow: () => () => void;
}

/** clientId: this tab's, see tab-identity.ts. */
export function connectPage(userId: string, clientId: string): PageClient {
  const client = createClient({
    url: location.origin,
    storage: indexedDbOutbox({ name: `holdfast-${userId}`, tab: makeId() }),
    firstFailure: 'retry',
    clock: systemClock,
    random: Math.random,
    makeId,
    clientId,
  });
  const follow = (): (() => void) =>
    listenForWakes(
      (reason) => client.wake(reason),
      () => client.unwatched(),
    );
  return { client, follow };
}

/** 128 random bits. crypto.randomUUID is missing where the page comes over plain HTTP from another machine. */
export const makeId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
