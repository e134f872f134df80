/** Reads every log as it grows and holds what is kept against it, at any moment of a run. */
import { isDeepStrictEqual } from 'node:util';
import { apply } from '@holdfast/core/session/apply.ts';
import { statusOf } from '@holdfast/core/session/status.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import type { SessionRow, Store } from '@holdfast/store/store.ts';

export interface WatchedLog {
  readonly facts: Fact[];
  state: SessionState | null;
  row: SessionRow | null;
}

export class LogWatch {
  readonly logs: ReadonlyMap<string, WatchedLog>;
  readonly #violated: (what: string) => void;

  constructor(sessionIds: readonly string[], violated: (what: string) => void) {
    this.logs = new Map(sessionIds.map((id) => [id, { facts: [], state: null, row: null }]));
    this.#violated = violated;
  }

  async look(store: Store): Promise<void> {
    for (const [id, log] of this.logs) await this.#lookAt(store, id, log);
  }

  async #lookAt(store: Store, id: string, log: WatchedLog): Promise<void> {
    const row = await store.session(id);
    if (row === null) return this.#violated(`LOG10: the session ${id} is gone`);
    if (row === log.row || (row.lastSeq === log.facts.length && isDeepStrictEqual(row, log.row))) return;
    log.row = row;
    const page = await store.factsAfter(id, log.facts.length, 500);
    for (const fact of page?.facts ?? []) {
      if (fact.seq !== log.facts.length + 1)
        this.#violated(`LOG1: after ${log.facts.length} comes ${fact.seq} in ${id}`);
      log.facts.push(fact);
      log.state = apply(log.state, fact, fact.at, id);
    }
    if (row.lastSeq !== log.facts.length) {
      this.#violated(`LOG10: ${id} had ${log.facts.length} facts and now says it has ${row.lastSeq}`);
    }
    if (!isDeepStrictEqual(row.state, JSON.parse(JSON.stringify(log.state)))) {
      this.#violated(`LOG9: at ${row.lastSeq} the state kept with ${id} is not the fold of its log`);
    }
    if (log.state !== null && row.status !== statusOf(log.state)) {
      this.#violated(`LOG9: ${id} is called ${row.status} and is ${statusOf(log.state)}`);
    }
    for (const approval of await store.approvals({ limit: 500 })) {
      if (approval.sessionId !== id) continue;
      const open = log.state?.agent?.approvals[approval.id];
      const isOpen = approval.status === 'pending' || approval.status === 'answered';
      if (isOpen !== (open !== undefined) || (open !== undefined && open.status !== approval.status)) {
        this.#violated(
          `LOG2: ${approval.id} is kept as ${approval.status} and is ${open?.status ?? 'settled'} in the log`,
        );
      }
    }
  }
}
