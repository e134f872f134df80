import type { ErrorBody } from '@holdfast/protocol/error.ts';

/**
 * The database cannot answer now (disk full, unreadable, locked, closed). Thrown by the calls of Store whose answer is
 * no Result; those that answer a Result give `error` as a value.
 */
export class StoreUnavailable extends Error {
  readonly error: ErrorBody;

  constructor(error: ErrorBody, options?: ErrorOptions) {
    super(error.message, options);
    this.name = 'StoreUnavailable';
    this.error = error;
  }
}
