/** What every storage of an outbox does, wherever it keeps its commands. */
import { eventually } from '@holdfast/testkit/eventually.ts';
import { describe, expect, it } from 'vitest';
import type { KeptCommand } from '@holdfast/core/client/outbox.ts';
import type { OutboxStorage } from '../src/outbox-storage.ts';

/** One client on a device: a tab, a process. */
export interface OutboxUser {
  /** All it has been handed. */
  adopted(): Promise<readonly KeptCommand[]>;
  put(command: KeptCommand): Promise<void>;
  remove(id: string): Promise<void>;
  rescan(): Promise<void>;
  /** Ends it. */
  leave(): Promise<void>;
}

/** A storage of this process; adopted: what its open() has handed out so far. */
export const userOf = (storage: OutboxStorage, adopted: readonly KeptCommand[]): OutboxUser => ({
  adopted: () => Promise.resolve(adopted),
  put: (command) => storage.put(command),
  remove: (id) => storage.remove(id),
  rescan: () => Promise.resolve(storage.rescan()),
  leave: () => storage.close(),
});

export interface OutboxDevice extends AsyncDisposable {
  user(): Promise<OutboxUser>;
}

export function kept(id: string, state: KeptCommand['state'] = { status: 'saved' }): KeptCommand {
  const command = { id, type: 'message.send', text: `text of ${id}: ü€𝄞\n` } as const;
  return { id, sessionId: 's', command, createdAt: '2026-01-01T00:00:00.000Z', order: id.length, state };
}

const ids = (commands: readonly KeptCommand[]): string[] => commands.map(({ id }) => id).sort();

/** outlives: what is kept is there for the device's next user. */
export function outboxContract(
  name: string,
  open: () => Promise<OutboxDevice>,
  { outlives }: { readonly outlives: boolean },
): void {
  describe(name, () => {
    it('LINK7: a storage takes, replaces and forgets, also what it never had', async () => {
      await using device = await open();
      const user = await device.user();
      await user.put(kept('a'));
      await user.put(kept('a', { status: 'failed', error: { kind: 'forbidden', message: 'no' } }));
      await user.remove('a');
      await user.remove('b');
      await user.rescan();
      await user.leave();
      const next = await device.user();
      expect(await next.adopted()).toEqual([]);
    });

    it.skipIf(!outlives)('LINK7: what one that is gone left is handed to the next, as it was last kept', async () => {
      await using device = await open();
      const first = await device.user();
      const failed = kept('bb', { status: 'failed', error: { kind: 'not_found', message: 'gone' } });
      const unsure = kept('ccc', { status: 'unsure', error: { kind: 'timeout', message: 'no answer' } });
      for (const id of ['bb', 'ccc', 'a']) await first.put(kept(id));
      await first.put(failed);
      await first.put(unsure);
      await first.leave();
      const second = await device.user();
      await eventually('handed over', async () => (await second.adopted()).length === 3);
      expect([...(await second.adopted())].sort((a, b) => a.order - b.order)).toEqual([kept('a'), failed, unsure]);
      await second.remove('a');
      await second.leave();
      const third = await device.user();
      await eventually('handed on', async () => ids(await third.adopted()).join() === 'bb,ccc');
    });

    it.skipIf(!outlives)(
      'LINK7: of one that lives nothing is handed out; when it is gone all, to one only',
      async () => {
        await using device = await open();
        const [first, second, third] = [await device.user(), await device.user(), await device.user()];
        const all = Array.from({ length: 20 }, (_, index) => `command-${10 + index}`);
        for (const id of all) await first.put(kept(id));
        await Promise.all([second.rescan(), third.rescan()]);
        expect([...(await second.adopted()), ...(await third.adopted())]).toEqual([]);
        await first.leave();
        await Promise.all([second.rescan(), third.rescan()]);
        const handed = async (): Promise<KeptCommand[]> => [...(await second.adopted()), ...(await third.adopted())];
        await eventually('handed over', async () => (await handed()).length >= all.length);
        await Promise.all([second.rescan(), third.rescan()]);
        expect(ids(await handed())).toEqual(all);
      },
    );
  });
}
