import type { Result } from '@holdfast/protocol/error.ts';
import type { Kysely } from 'kysely';
import type { Schema } from './schema.ts';
import type { Steps } from './steps.ts';

/** For building queries only; they are run as steps. */
export type Build = Pick<Kysely<Schema>, 'selectFrom' | 'insertInto' | 'updateTable' | 'deleteFrom'>;

/** What a database must be able to do so that a Store can stand on it. */
export interface Engine {
  readonly build: Build;
  /** Each step sees one moment of what is committed. Rejects with StoreUnavailable when the database cannot answer. */
  read<T>(steps: Steps<T>): Promise<T>;
  /**
   * One transaction that sees and keeps out every other writer; calls run in the order they were made. Committed,
   * durably, when the steps answer ok; otherwise, or when they throw, nothing of it is written. When the database
   * cannot write: `unavailable`, nothing is written, and a later call can succeed.
   */
  write<T>(steps: () => Steps<Result<T>>): Promise<Result<T>>;
  close(): Promise<void>;
}
