import type { ErrorBody } from '@holdfast/protocol/error.ts';
import { StoreUnavailable } from '@holdfast/store/unavailable.ts';
import type { Logger } from 'pino';

/**
 * What a caller is told of something thrown: that the store cannot answer now, or, of a bug, a reference that is also in
 * the log. where: fields for the log.
 */
export function unexpectedError(
  error: unknown,
  reference: string,
  where: Readonly<Record<string, unknown>>,
  log: Pick<Logger, 'error' | 'warn'>,
): ErrorBody {
  if (error instanceof StoreUnavailable) {
    log.warn({ err: error, ...where }, 'the store cannot answer');
    return error.error;
  }
  log.error({ err: error, reference, ...where }, 'a request failed');
  return { kind: 'internal', message: `Something went wrong here. Reference: ${reference}`, details: { reference } };
}
