/** Facts put into the store of a server that does not run, as many as a measure wants. */
import { join } from 'node:path';
import { ok } from '@holdfast/protocol/error.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { openSqliteStore } from '@holdfast/store/sqlite/open.ts';
import type { Decide, Store } from '@holdfast/store/store.ts';

const batch = 1_000;

export async function openStore(dataDirectory: string): Promise<Store> {
  const opened = await openSqliteStore({ path: join(dataDirectory, 'holdfast.db') });
  if (!opened.ok) throw new Error(opened.error.message);
  return opened.value;
}

/** `count` blocks that an agent said, at the end of the session's log; text: of the block with that number, from 0. */
export async function addFacts(
  store: Store,
  sessionId: string,
  count: number,
  text: (number: number) => string = () => 'x'.repeat(200),
): Promise<void> {
  const at = new Date().toISOString();
  for (let done = 0; done < count;) {
    const drafts = Array.from({ length: Math.min(batch, count - done) }, (_, index) =>
      said(`block${done + index}`, text(done + index)),
    );
    const stored = await store.report(sessionId, { source: 'bench', position: done + 1 }, at, adding(drafts));
    if (!stored.ok) throw new Error(stored.error.message);
    done += drafts.length;
  }
}

/** Like this one, with a fact each. Their ids. */
export async function addSessions(store: Store, likeId: string, count: number): Promise<string[]> {
  const like = await store.session(likeId);
  if (like === null) throw new Error('no such session');
  const { kind, workspaceId, ownerId, runnerId, state } = like;
  const ids = Array.from({ length: count }, (_, index) => `bench${index}`);
  for (const id of ids) {
    const session = { id, kind, workspaceId, ownerId, runnerId, at: new Date().toISOString() };
    const stored = await store.createSession(session, null, () =>
      ok({
        facts: [said('first', 'x'.repeat(200))],
        title: id,
        status: 'active',
        state,
        approvals: [],
        instructions: [],
      }),
    );
    if (!stored.ok) throw new Error(stored.error.message);
  }
  return ids;
}

const said = (blockId: string, text: string): FactDraft => ({
  type: 'message.assistant',
  data: { blockId, turnId: 'bench', kind: 'text', text },
});

const adding =
  (facts: readonly FactDraft[]): Decide =>
  ({ title, status, state }) =>
    ok({ facts, title, status, state, approvals: [], instructions: [] });
