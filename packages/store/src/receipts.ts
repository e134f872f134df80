/** What was asked before: by a person (receipts, by command id) and by a runner (sources, by position). */
import type { Insertable } from 'kysely';
import type { Build } from './engine.ts';
import { prepared } from './prepared.ts';
import { first, run } from './steps.ts';
import type { Steps } from './steps.ts';
import type { Schema } from './schema.ts';
import type { CommandKey } from './store.ts';

interface StoredReceipt {
  readonly fingerprint: string;
  readonly sessionId: string;
  readonly seq: number;
}

const receiptOf = prepared<{ scope: string; commandId: string }, StoredReceipt>((build, place) =>
  build
    .selectFrom('receipts')
    .select(['fingerprint', 'session_id as sessionId', 'seq'])
    .where('scope', '=', place('scope'))
    .where('command_id', '=', place('commandId')),
);

export function* selectReceipt(build: Build, scope: string, commandId: string): Steps<StoredReceipt | null> {
  return yield* first(receiptOf(build, { scope, commandId }));
}

const newReceipt = prepared<Insertable<Schema['receipts']>, unknown>((build, place) =>
  build.insertInto('receipts').values({
    scope: place('scope'),
    command_id: place('command_id'),
    fingerprint: place('fingerprint'),
    session_id: place('session_id'),
    seq: place('seq'),
    at: place('at'),
  }),
);

export function* insertReceipt(
  build: Build,
  scope: string,
  key: CommandKey,
  effect: { readonly sessionId: string; readonly seq: number; readonly at: string },
): Steps<void> {
  yield* run(
    newReceipt(build, {
      scope,
      command_id: key.commandId,
      fingerprint: key.fingerprint,
      session_id: effect.sessionId,
      seq: effect.seq,
      at: effect.at,
    }),
  );
}

type Source = { sessionId: string; source: string };

const positionOf = prepared<Source, { position: number }>((build, place) =>
  build
    .selectFrom('sources')
    .select('position')
    .where('session_id', '=', place('sessionId'))
    .where('source', '=', place('source')),
);

/** Last position stored, or null. */
export function* selectPosition(build: Build, sessionId: string, source: string): Steps<number | null> {
  const record = yield* first(positionOf(build, { sessionId, source }));
  return record && record.position;
}

const newPosition = prepared<Source & { position: number }, unknown>((build, place) =>
  build
    .insertInto('sources')
    .values({ session_id: place('sessionId'), source: place('source'), position: place('position') })
    .onConflict((conflict) => conflict.columns(['session_id', 'source']).doUpdateSet({ position: place('position') })),
);

export function* putPosition(build: Build, sessionId: string, source: string, position: number): Steps<void> {
  yield* run(newPosition(build, { sessionId, source, position }));
}
