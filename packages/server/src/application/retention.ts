/** Removes what is older than it is to be kept, once a day and when asked; core decides inside each transaction. */
import type { RetentionPreview, RetentionRun } from '@holdfast/protocol/retention.ts';
import {
  type RetentionPolicy,
  type Verdict,
  cutOf,
  policyAt,
  reasonOf,
  receiptsBefore,
  verdictOn,
} from '@holdfast/core/retention/policy.ts';
import type { RetentionCandidate, RetentionPlace, SessionRow, Store } from '@holdfast/store/store.ts';
import type { Logger } from 'pino';
import type { Announcements } from './events.ts';

export interface RetentionOptions {
  readonly store: Store;
  /** 0: nothing is ever removed. */
  readonly days: number;
  /** Wall time, ISO 8601 UTC. */
  readonly time: () => string;
  readonly announcements: Pick<Announcements, 'written' | 'deleted'>;
  /** A session that had not ended is gone: what its runner still holds of it is to end. */
  readonly abandon: (session: SessionRow) => void;
  /** Calls back once after so many ms, and is cancelled by the answer. */
  readonly later: (ms: number, call: () => void) => () => void;
  readonly log: Logger;
}

/** The clock of a machine that has just started may be wrong. */
const firstRunMs = 10 * 60_000;
const betweenRunsMs = 24 * 3_600_000;
const page = 100;
const listed = 200;

export class Retention {
  readonly #options: RetentionOptions;
  /** Runs follow each other. */
  #last: Promise<unknown> = Promise.resolve();
  #cancel: (() => void) | null = null;
  #closed = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
    if (options.days > 0) this.#schedule(firstRunMs);
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  /** What a run would remove of this owner's now. */
  async preview(ownerId: string): Promise<RetentionPreview> {
    const { store, days, time } = this.#options;
    const policy = policyAt(time(), days);
    const none = { deletedSessions: 0, trimmedSessions: 0, facts: 0, bytes: 0, sessions: [] };
    if (policy === null) return { retentionDays: days, before: null, ...none };
    const preview: RetentionPreview = { retentionDays: days, before: policy.before, ...none, sessions: [] };
    for await (const { candidate, verdict } of this.#candidates(policy, ownerId)) {
      const kept = candidate.lastSeq - candidate.oldestSeq + 1;
      const facts =
        verdict === 'delete'
          ? kept
          : Math.min(await store.factsOlderThan(candidate.id, policy.before), kept - policy.keepFacts);
      if (verdict === 'trim' && facts === 0) continue;
      const bytes = facts * candidate.factBytes;
      if (verdict === 'delete') preview.deletedSessions += 1;
      else preview.trimmedSessions += 1;
      preview.facts += facts;
      preview.bytes += bytes;
      if (preview.sessions.length === listed) continue;
      const { id, title, kind, lastActivityAt } = candidate;
      const reason = reasonOf(candidate, verdict);
      preview.sessions.push({ id, title, kind, action: verdict, reason, facts, bytes, lastActivityAt });
    }
    return preview;
  }

  /** Ids of this owner's sessions of which a run would remove something now. */
  async expiring(ownerId: string): Promise<string[]> {
    const { store, days, time } = this.#options;
    const policy = policyAt(time(), days);
    const ids: string[] = [];
    if (policy === null) return ids;
    for await (const { candidate, verdict } of this.#candidates(policy, ownerId)) {
      if (verdict === 'delete' || (await store.factsOlderThan(candidate.id, policy.before)) > 0) ids.push(candidate.id);
    }
    return ids;
  }

  /** ownerId: only this owner's sessions; undefined: everybody's, and what is remembered of repeats. */
  run(ownerId?: string): Promise<RetentionRun> {
    const run = this.#last.then(() => this.#run(ownerId));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #run(ownerId: string | undefined): Promise<RetentionRun> {
    const { store, days, time, log } = this.#options;
    const done: RetentionRun = { deletedSessions: 0, trimmedSessions: 0, facts: 0 };
    const policy = policyAt(time(), days);
    if (policy === null) return done;
    for await (const { candidate, verdict } of this.#candidates(policy, ownerId)) {
      if (this.#closed) return done;
      if (verdict === 'delete') await this.#delete(candidate, policy, done);
      else await this.#trim(candidate, policy, done);
    }
    if (ownerId === undefined && !this.#closed) {
      const receipts = await store.pruneReceipts(receiptsBefore(time(), days));
      log.info({ ...done, receipts, before: policy.before }, 'what was too old was removed');
    }
    return done;
  }

  async #delete(candidate: RetentionCandidate, policy: RetentionPolicy, done: RetentionRun): Promise<void> {
    const { store, announcements, abandon } = this.#options;
    let seen: SessionRow | null = null;
    const removed = await store.deleteSession(candidate.id, (session) => {
      seen = session;
      return verdictOn(session, policy) === 'delete';
    });
    const session = seen as SessionRow | null;
    if (!removed || session === null) return;
    done.deletedSessions += 1;
    done.facts += candidate.lastSeq - candidate.oldestSeq + 1;
    announcements.deleted(session);
    if (session.status !== 'ended' && session.status !== 'failed') abandon(session);
  }

  async #trim(candidate: RetentionCandidate, policy: RetentionPolicy, done: RetentionRun): Promise<void> {
    const { store, announcements } = this.#options;
    const { removed } = await store.trimFacts(candidate.id, (session, front) => cutOf(session, front, policy));
    if (removed === 0) return;
    done.trimmedSessions += 1;
    done.facts += removed;
    const now = await store.session(candidate.id);
    if (now !== null) announcements.written(now, []);
  }

  async *#candidates(
    policy: RetentionPolicy,
    ownerId: string | undefined,
  ): AsyncGenerator<{ candidate: RetentionCandidate; verdict: Exclude<Verdict, 'keep'> }> {
    let after: RetentionPlace | null = null;
    do {
      const query = { before: policy.before, after, limit: page, ...(ownerId === undefined ? {} : { ownerId }) };
      const found: Awaited<ReturnType<Store['retentionCandidates']>> =
        await this.#options.store.retentionCandidates(query);
      for (const candidate of found.candidates) {
        const verdict = verdictOn(candidate, policy);
        if (verdict !== 'keep') yield { candidate, verdict };
      }
      after = found.next;
      await new Promise((resolve) => setImmediate(resolve));
    } while (after !== null && !this.#closed);
  }

  #schedule(ms: number): void {
    this.#cancel = this.#options.later(ms, () => {
      this.run()
        .catch((error: unknown) => this.#options.log.error({ err: error }, 'what is too old could not be removed'))
        .finally(() => {
          if (!this.#closed) this.#schedule(betweenRunsMs);
        });
    });
  }
}
