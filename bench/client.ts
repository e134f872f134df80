import { randomUUID } from 'node:crypto';
import { createClient } from '@holdfast/link/client.ts';
import type { ClientOptions, HoldfastClient } from '@holdfast/link/client-interface.ts';
import { memoryOutbox } from '@holdfast/link/memory-outbox.ts';
import { systemClock } from '@holdfast/link/system-clock.ts';

/** The page's client, with nothing kept. It is not connected yet. */
export const newClient = (options: Pick<ClientOptions, 'url' | 'key' | 'transports'>): HoldfastClient =>
  createClient({
    ...options,
    storage: memoryOutbox(),
    firstFailure: 'fail',
    clock: systemClock,
    random: Math.random,
    makeId: randomUUID,
  });
