import type { Result } from '@holdfast/protocol/error.ts';
import type { CompiledQuery } from 'kysely';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { Build, Engine } from '../engine.ts';
import type { Steps } from '../steps.ts';
import { StoreUnavailable } from '../unavailable.ts';
import { isBusy, lockedMessage, unavailable, unavailableFrom } from './failure.ts';
import type { Unavailable } from './failure.ts';

/** Prepared statements kept. The queries of this package are about 50; inserts of many rows come in 100 lengths. */
const statementsKept = 200;
/** Milliseconds between two looks at a lock held by another connection. */
const lookAgain = 10;
/** Writes that may wait for that lock at a time; what comes beyond is told to come back. */
const waitingLimit = 1_000;

interface Waiting {
  /** On performance.now(). */
  readonly until: number;
  /** False: still locked. */
  readonly attempt: () => boolean;
  readonly giveUp: () => void;
}

/**
 * node:sqlite is synchronous, so a transaction runs from begin to commit without leaving the event loop: nothing of
 * this process can come between. When another program holds the lock, we wait without blocking, in line.
 */
export class SqliteEngine implements Engine {
  readonly build: Build;
  readonly #database: DatabaseSync;
  readonly #lockWait: number;
  readonly #statements = new Map<string, StatementSync>();
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | null = null;
  #inside = false;

  /** Owns the connection. `lockWait`: milliseconds a write waits for another connection's lock before it gives up. */
  constructor(database: DatabaseSync, build: Build, lockWait: number) {
    this.#database = database;
    this.build = build;
    this.#lockWait = lockWait;
  }

  async read<T>(steps: Steps<T>): Promise<T> {
    if (!this.#database.isOpen) throw new StoreUnavailable(this.#closed().error);
    try {
      return this.#run(steps);
    } catch (error) {
      const failure = unavailableFrom(error);
      throw failure ? new StoreUnavailable(failure.error, { cause: error }) : error;
    }
  }

  async write<T>(steps: () => Steps<Result<T>>): Promise<Result<T>> {
    if (this.#inside) throw new Error('a decision must not write');
    if (this.#waiting.length === 0) {
      const result = this.#transaction(steps);
      if (result !== 'locked') return result;
    }
    if (this.#waiting.length >= waitingLimit) return unavailable(lockedMessage);
    return await this.#inLine(steps);
  }

  async close(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    for (const waiting of this.#waiting.splice(0)) waiting.giveUp();
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  #transaction<T>(steps: () => Steps<Result<T>>): Result<T> | 'locked' {
    if (!this.#database.isOpen) return this.#closed();
    try {
      this.#begin();
    } catch (error) {
      if (isBusy(error)) return 'locked';
      return this.#unavailable(error);
    }
    this.#inside = true;
    try {
      const result = this.#run(steps());
      this.#statement(result.ok ? 'commit' : 'rollback').run();
      return result;
    } catch (error) {
      this.#rollBack();
      return this.#unavailable(error);
    } finally {
      this.#inside = false;
    }
  }

  #begin(): void {
    // A roll-back that failed, as on a broken disk, is made up for before anything new begins.
    if (this.#database.isTransaction) this.#statement('rollback').run();
    this.#statement('begin immediate').run();
  }

  /** After a failure, which is what the caller hears of; SQLite has itself rolled back after some. */
  #rollBack(): void {
    if (!this.#database.isTransaction) return;
    try {
      this.#statement('rollback').run();
    } catch (error) {
      if (!unavailableFrom(error)) throw error;
    }
  }

  #run<T>(steps: Steps<T>): T {
    let step = steps.next([]);
    while (!step.done) step = steps.next(this.#rows(step.value));
    return step.value;
  }

  #rows(query: CompiledQuery): readonly unknown[] {
    return this.#statement(query.sql).all(...(query.parameters as readonly SQLInputValue[]));
  }

  #statement(text: string): StatementSync {
    const kept = this.#statements.get(text);
    const statement = kept ?? this.#database.prepare(text);
    // A map iterates in the order of insertion: the first is the one used longest ago.
    this.#statements.delete(text);
    this.#statements.set(text, statement);
    if (this.#statements.size > statementsKept) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    return statement;
  }

  #inLine<T>(steps: () => Steps<Result<T>>): Promise<Result<T>> {
    const { promise, resolve, reject } = Promise.withResolvers<Result<T>>();
    this.#waiting.push({
      until: performance.now() + this.#lockWait,
      attempt: () => {
        try {
          const result = this.#transaction(steps);
          if (result === 'locked') return false;
          resolve(result);
        } catch (error) {
          reject(error);
        }
        return true;
      },
      giveUp: () => resolve(this.#database.isOpen ? unavailable(lockedMessage) : this.#closed()),
    });
    this.#timer ??= setTimeout(() => this.#lookAgain(), lookAgain);
    return promise;
  }

  /** In the order of their calls: a report must not overtake the one before it. */
  #lookAgain(): void {
    this.#timer = null;
    for (let head = this.#waiting[0]; head; head = this.#waiting[0]) {
      if (!head.attempt()) {
        if (performance.now() < head.until) break;
        head.giveUp();
      }
      this.#waiting.shift();
    }
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#lookAgain(), lookAgain);
  }

  #unavailable(error: unknown): Unavailable {
    const failure = unavailableFrom(error);
    if (!failure) throw error;
    return failure;
  }

  #closed(): Unavailable {
    return unavailable('The store is closed.');
  }
}
