/**
 * Rows of the sessions whose keys pass through here, so that a key costs no look in the store. What is announced after
 * each write keeps them as the store has them.
 */
import type { SessionRow, Store } from '@holdfast/store/store.ts';

const rowsKept = 1_000;

export class SessionRows {
  readonly #store: Pick<Store, 'session'>;
  readonly #rows = new Map<string, SessionRow>();
  /** Counts what was announced: a row read meanwhile may be older than that. */
  #announced = 0;

  constructor(store: Pick<Store, 'session'>) {
    this.#store = store;
  }

  async row(id: string): Promise<SessionRow | null> {
    const known = this.#rows.get(id);
    if (known !== undefined) return known;
    const before = this.#announced;
    const row = await this.#store.session(id);
    if (row === null || this.#announced !== before) return row;
    this.#rows.set(id, row);
    if (this.#rows.size > rowsKept) {
      const [oldest] = this.#rows.keys();
      if (oldest !== undefined) this.#rows.delete(oldest);
    }
    return row;
  }

  written(row: SessionRow): void {
    this.#announced += 1;
    if (this.#rows.has(row.id)) this.#rows.set(row.id, row);
  }

  deleted(id: string): void {
    this.#announced += 1;
    this.#rows.delete(id);
  }
}
