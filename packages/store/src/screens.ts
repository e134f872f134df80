import type { KeptScreen } from '@holdfast/protocol/screen.ts';
import type { Build } from './engine.ts';
import { first, run } from './steps.ts';
import type { Steps } from './steps.ts';

export function* putScreen(build: Build, sessionId: string, screen: KeptScreen): Steps<void> {
  const text = JSON.stringify(screen);
  yield* run(
    build
      .insertInto('screens')
      .values({ session_id: sessionId, screen: text })
      .onConflict((conflict) => conflict.column('session_id').doUpdateSet({ screen: text })),
  );
}

export function* selectScreen(build: Build, sessionId: string): Steps<KeptScreen | null> {
  const record = yield* first(build.selectFrom('screens').select('screen').where('session_id', '=', sessionId));
  return record && (JSON.parse(record.screen) as KeptScreen);
}
