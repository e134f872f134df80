/** What services tell each other after a write. State is announced by events; control flow is direct calls. */
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { SessionRow, Written } from '@holdfast/store/store.ts';

/** After the commit, never before (LOG3). */
export interface Announcements {
  /** Facts were stored, or the row changed (facts empty). */
  written(session: SessionRow, facts: readonly Fact[]): void;
  deleted(session: SessionRow): void;
  /** Instructions wait for this runner. */
  instructed(runnerId: string): void;
}

export function announceWritten(announcements: Announcements, written: Written): void {
  announcements.written(written.session, written.facts);
  if (written.deliveries.length > 0) announcements.instructed(written.session.runnerId);
}
