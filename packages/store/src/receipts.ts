/** What was asked before: by a person (receipts, by command id) and by a runner (sources, by position). */
import type { Build } from './engine.ts';
import { first, run } from './steps.ts';
import type { Steps } from './steps.ts';
import type { CommandKey } from './store.ts';

interface StoredReceipt {
  readonly fingerprint: string;
  readonly sessionId: string;
  readonly seq: number;
}

export function* selectReceipt(build: Build, scope: string, commandId: string): Steps<StoredReceipt | null> {
  return yield* first(
    build
      .selectFrom('receipts')
      .select(['fingerprint', 'session_id as sessionId', 'seq'])
      .where('scope', '=', scope)
      .where('command_id', '=', commandId),
  );
}

export function* insertReceipt(
  build: Build,
  scope: string,
  key: CommandKey,
  effect: { readonly sessionId: string; readonly seq: number; readonly at: string },
): Steps<void> {
  yield* run(
    build.insertInto('receipts').values({
      scope,
      command_id: key.commandId,
      fingerprint: key.fingerprint,
      session_id: effect.sessionId,
      seq: effect.seq,
      at: effect.at,
    }),
  );
}

/** Last position stored, or null. */
export function* selectPosition(build: Build, sessionId: string, source: string): Steps<number | null> {
  const record = yield* first(
    build.selectFrom('sources').select('position').where('session_id', '=', sessionId).where('source', '=', source),
  );
  return record && record.position;
}

export function* putPosition(build: Build, sessionId: string, source: string, position: number): Steps<void> {
  yield* run(
    build
      .insertInto('sources')
      .values({ session_id: sessionId, source, position })
      .onConflict((conflict) => conflict.columns(['session_id', 'source']).doUpdateSet({ position })),
  );
}
