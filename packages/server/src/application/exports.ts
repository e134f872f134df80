/**
 * A session's log, read for keeping it elsewhere: all that was stored when it began, a page at a time, so that a log of
 * any length costs no more memory than one page. What is removed meanwhile ends the export; it never has a hole.
 */
import type { ExportChoice, ExportHead } from '@holdfast/protocol/export.ts';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import type { SessionRow, Store } from '@holdfast/store/store.ts';
import type { Login } from './application.ts';
import { authorise } from './authorise.ts';

/** Facts read at once: at most some MiB, since each is bounded on the wire (WIRE6). */
const pageFacts = 100;

export interface ExportedSession {
  readonly head: ExportHead;
  /** Contiguous from head.oldestSeq to head.lastSeq, in pages that are never empty; read once. Throws ExportBroken. */
  readonly facts: AsyncIterable<readonly Fact[]>;
}

/** What was to come next is no longer there. */
export class ExportBroken extends Error {}

export interface ExportsOptions {
  readonly store: Store;
  readonly describe: (row: SessionRow) => SessionDescriptor;
  /** Ids of what retention would remove of this owner's now, whole or in part. */
  readonly expiring: (ownerId: string) => Promise<string[]>;
  /** Wall time, ISO 8601 UTC. */
  readonly time: () => string;
}

export class Exports {
  readonly #options: ExportsOptions;

  constructor(options: ExportsOptions) {
    this.#options = options;
  }

  async one(row: SessionRow): Promise<Result<ExportedSession>> {
    const { store, describe, time } = this.#options;
    const first = await store.factsAfter(row.id, 0, pageFacts);
    if (first === null) return fail('not_found', 'There is no such session.');
    const { oldestSeq, lastSeq } = first;
    const screen = await store.screen(row.id);
    const head: ExportHead = {
      version: 1,
      exportedAt: time(),
      session: describe(row),
      oldestSeq,
      lastSeq,
      ...(screen === null ? {} : { screen }),
    };
    return ok({ head, facts: this.#pages(row.id, first.facts, oldestSeq, lastSeq) });
  }

  /** Each when its turn comes; one that was deleted before is left out. Reading one ends when the next is asked for. */
  async *many(login: Login, which: ExportChoice): AsyncGenerator<ExportedSession> {
    const { store, expiring } = this.#options;
    const ids = which === 'archived' ? await store.archivedSessions(login.userId) : await expiring(login.userId);
    for (const id of ids) {
      const row = authorise(login, await store.session(id), 'session');
      const exported = row.ok ? await this.one(row.value) : row;
      if (exported.ok) yield exported.value;
    }
  }

  async *#pages(
    sessionId: string,
    first: readonly Fact[],
    oldestSeq: number,
    lastSeq: number,
  ): AsyncGenerator<readonly Fact[]> {
    let next = oldestSeq;
    for (let page = first; ;) {
      const facts = page.filter(({ seq }) => seq <= lastSeq);
      if (facts.length > 0 && facts[0]?.seq !== next) break;
      next += facts.length;
      if (facts.length > 0) yield facts;
      if (next > lastSeq) return;
      const read = await this.#options.store.factsAfter(sessionId, next - 1, pageFacts);
      if (read === null || read.facts.length === 0) break;
      page = read.facts;
    }
    throw new ExportBroken(`fact ${next} of session ${sessionId} is no longer there`);
  }
}
