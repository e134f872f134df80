/** The holder's refusals in the words of the wire. */
import type { HolderErrorKind, HolderResult } from '@holdfast/holder/process.ts';
import { fail } from '@holdfast/protocol/error.ts';
import type { ErrorKind, Result } from '@holdfast/protocol/error.ts';

const kinds: Readonly<Record<HolderErrorKind, ErrorKind>> = {
  not_found: 'session_ended',
  exists: 'conflict',
  exited: 'session_ended',
  spawn_failed: 'bad_request',
  bad_request: 'bad_request',
  too_large: 'rate_limited',
  disconnected: 'unavailable',
};

export function fromHolder<T>(result: HolderResult<T>): Result<T> {
  return result.ok ? result : fail(kinds[result.error.kind], result.error.message);
}
