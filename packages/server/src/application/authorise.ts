/** The one place that decides who may do what. A stranger learns nothing, not even that the thing exists. */
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { Login } from './application.ts';

export interface Owned {
  readonly ownerId: string;
}

/** The thing, if this login may do this to it. what: its name in the refusal ("session"). */
export function authorise<T extends Owned>(login: Login, thing: T | null, what: string): Result<T> {
  if (thing === null || thing.ownerId !== login.userId) return fail('not_found', `There is no such ${what}.`);
  return ok(thing);
}

/** Machines of one's own, and the server's (ownerId null), which is for everybody. */
export function authoriseRunner<T extends { readonly ownerId: string | null }>(
  login: Login,
  runner: T | null,
): Result<T> {
  if (runner === null || (runner.ownerId !== null && runner.ownerId !== login.userId)) {
    return fail('not_found', 'There is no such machine.');
  }
  return ok(runner);
}
