import type { KeptCommand } from '@holdfast/core/client/outbox.ts';
import { memoryOutbox } from '../src/memory-outbox.ts';
import { type OutboxDevice, type OutboxUser, outboxContract, userOf } from './outbox-contract.ts';

async function user(): Promise<OutboxUser> {
  const storage = memoryOutbox();
  const adopted: KeptCommand[] = [];
  await storage.open((commands) => adopted.push(...commands));
  return userOf(storage, adopted);
}

const device = (): Promise<OutboxDevice> => Promise.resolve({ user, [Symbol.asyncDispose]: async () => {} });

outboxContract('outbox in memory', device, { outlives: false });
