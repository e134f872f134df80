import type { Instruction } from '@holdfast/protocol/runner.ts';
import type { Build } from './engine.ts';
import { all, first, run } from './steps.ts';
import type { Steps } from './steps.ts';
import type { Delivery, SessionRow } from './store.ts';

/** One statement each: the ids must grow in the order given, which a statement with many rows does not promise. */
export function* insertDeliveries(
  build: Build,
  session: SessionRow,
  instructions: readonly Instruction[],
): Steps<Delivery[]> {
  const deliveries: Delivery[] = [];
  for (const instruction of instructions) {
    const record = yield* first(
      build
        .insertInto('deliveries')
        .values({
          runner_id: session.runnerId,
          session_id: session.id,
          instruction: JSON.stringify(instruction),
        })
        .returning('id'),
    );
    if (!record) throw new Error('an inserted delivery has no id');
    deliveries.push({ id: record.id, runnerId: session.runnerId, sessionId: session.id, instruction });
  }
  return deliveries;
}

export function* selectDeliveries(build: Build, runnerId: string, after: number, limit: number): Steps<Delivery[]> {
  const records = yield* all(
    build
      .selectFrom('deliveries')
      .selectAll()
      .where('runner_id', '=', runnerId)
      .where('id', '>', after)
      .orderBy('id')
      .limit(limit),
  );
  return records.map((record) => ({
    id: record.id,
    runnerId: record.runner_id,
    sessionId: record.session_id,
    instruction: JSON.parse(record.instruction) as Instruction,
  }));
}

export function* removeDelivery(build: Build, id: number): Steps<void> {
  yield* run(build.deleteFrom('deliveries').where('id', '=', id));
}

export function* removeDeliveriesOf(build: Build, sessionId: string): Steps<void> {
  yield* run(build.deleteFrom('deliveries').where('session_id', '=', sessionId));
}

/** Their turns are over: carried out now, they would begin again what has ended. */
export function* removeDeliveriesOfTurns(build: Build, sessionId: string, turnIds: readonly string[]): Steps<void> {
  if (turnIds.length === 0) return;
  const pending = yield* all(
    build.selectFrom('deliveries').select(['id', 'instruction']).where('session_id', '=', sessionId),
  );
  for (const { id, instruction } of pending) {
    const about = JSON.parse(instruction) as Instruction;
    if ('turnId' in about && turnIds.includes(about.turnId)) yield* removeDelivery(build, id);
  }
}
