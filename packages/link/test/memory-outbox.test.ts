import { memoryOutbox } from '../src/memory-outbox.ts';
import { type OutboxDevice, type OutboxUser, outboxContract } from './outbox-contract.ts';

async function user(): Promise<OutboxUser> {
  const storage = memoryOutbox();
  const adopted: Awaited<ReturnType<OutboxUser['adopted']>>[number][] = [];
  await storage.open((commands) => adopted.push(...commands));
  return {
    adopted: () => Promise.resolve(adopted),
    put: (command) => storage.put(command),
    remove: (id) => storage.remove(id),
    rescan: () => Promise.resolve(storage.rescan()),
    leave: () => storage.close(),
  };
}

const device = (): Promise<OutboxDevice> => Promise.resolve({ user, [Symbol.asyncDispose]: async () => {} });

outboxContract('outbox in memory', device, { outlives: false });
