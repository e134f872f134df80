/**
 * The outbox on a browser's disk. Several tabs share the database; each is responsible for its own commands and holds a
 * Web Lock of its name for as long as it lives. All wait for the locks of all others: whoever gets the one of a tab that is
 * gone takes over what that one left, in one transaction, so that a command is never in the hands of two.
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { idSchema } from '@holdfast/protocol/id.ts';
import type { KeptCommand } from '@holdfast/core/client/outbox.ts';
import { keptCommandSchema } from './kept-command.ts';
import type { OutboxStorage } from './outbox-storage.ts';

interface OutboxDatabase extends DBSchema {
  commands: { key: string; value: KeptCommand & { readonly owner: string }; indexes: { owner: string } };
}

export interface IndexedDbOutboxOptions {
  /** Of the database and the locks: one per server and login. */
  readonly name: string;
  /** Names this tab; used by no other, ever. */
  readonly tab: string;
}

export function indexedDbOutbox(options: IndexedDbOutboxOptions): OutboxStorage {
  return new IndexedDbOutbox(options);
}

class IndexedDbOutbox implements OutboxStorage {
  readonly #options: IndexedDbOutboxOptions;
  readonly #ended = new AbortController();
  /** Tabs whose lock is being waited for. */
  readonly #awaited = new Set<string>();
  /** New tabs say their names. */
  #newcomers: BroadcastChannel | null = null;
  #database: IDBPDatabase<OutboxDatabase> | null = null;
  #adopt: (commands: readonly KeptCommand[]) => void = () => undefined;

  constructor(options: IndexedDbOutboxOptions) {
    this.#options = options;
  }

  async open(adopt: (commands: readonly KeptCommand[]) => void): Promise<void> {
    this.#adopt = adopt;
    // Browsers give locks to secure pages only.
    if (!('locks' in navigator)) throw new Error('the page was not loaded over HTTPS');
    await this.#holdOwnLock();
    this.#database = await openDB<OutboxDatabase>(this.#options.name, 1, {
      upgrade: (database) => {
        database.createObjectStore('commands', { keyPath: 'id' }).createIndex('owner', 'owner');
      },
      // A newer page wants to change the database: commands are in memory as well, so let it.
      blocking: (_current, _next, event) => (event.target as IDBDatabase).close(),
    });
    this.#newcomers = new BroadcastChannel(this.#options.name);
    this.#newcomers.onmessage = ({ data }) => {
      const tab = idSchema.safeParse(data);
      if (tab.success) this.#await(tab.data);
    };
    this.#newcomers.postMessage(this.#options.tab);
    await this.#scan();
  }

  async put(command: KeptCommand): Promise<void> {
    await this.#opened().put('commands', { ...command, owner: this.#options.tab });
  }

  async remove(id: string): Promise<void> {
    await this.#opened().delete('commands', id);
  }

  rescan(): void {
    // A database that cannot be read now will be read at the next start.
    this.#scan().catch(() => undefined);
  }

  close(): Promise<void> {
    this.#ended.abort();
    this.#newcomers?.close();
    this.#database?.close();
    this.#database = null;
    return Promise.resolve();
  }

  #opened(): IDBPDatabase<OutboxDatabase> {
    if (this.#database === null) throw new DOMException('the outbox is not open', 'InvalidStateError');
    return this.#database;
  }

  #lockOf(tab: string): string {
    return `${this.#options.name}:${tab}`;
  }

  /** Resolves once it is held; it is let go by close or with the tab. */
  #holdOwnLock(): Promise<void> {
    return new Promise((held, failed) => {
      navigator.locks
        .request(this.#lockOf(this.#options.tab), () => {
          held();
          return new Promise<void>((release) => {
            this.#ended.signal.addEventListener('abort', () => release(), { once: true });
          });
        })
        .catch(failed);
    });
  }

  /** Tabs that live, and tabs that are gone and have commands here. */
  async #scan(): Promise<void> {
    if (this.#database === null) return;
    const others = new Set<string>();
    const { store } = this.#database.transaction('commands');
    for (let cursor = await store.index('owner').openKeyCursor(null, 'nextunique'); cursor !== null;) {
      others.add(cursor.key);
      cursor = await cursor.continue();
    }
    const { held = [] } = await navigator.locks.query();
    const prefix = this.#lockOf('');
    for (const { name = '' } of held) if (name.startsWith(prefix)) others.add(name.slice(prefix.length));
    for (const other of others) this.#await(other);
  }

  /** Once that tab is gone, what it left is taken over. */
  #await(other: string): void {
    if (other === this.#options.tab || this.#awaited.has(other)) return;
    this.#awaited.add(other);
    navigator.locks
      .request(this.#lockOf(other), { signal: this.#ended.signal }, () => this.#takeOver(other))
      // Given up with this tab, or the database is gone: the next start takes over instead.
      .catch(() => undefined)
      .finally(() => this.#awaited.delete(other));
  }

  async #takeOver(tab: string): Promise<void> {
    if (this.#database === null) return;
    const transaction = this.#database.transaction('commands', 'readwrite');
    const adopted: KeptCommand[] = [];
    for (const left of await transaction.store.index('owner').getAll(tab)) {
      const parsed = keptCommandSchema.safeParse(left);
      if (parsed.success) {
        await transaction.store.put({ ...parsed.data, owner: this.#options.tab });
        adopted.push(parsed.data);
      } else {
        await transaction.store.delete(left.id);
      }
    }
    await transaction.done;
    if (adopted.length > 0 && !this.#ended.signal.aborted) this.#adopt(adopted);
  }
}
