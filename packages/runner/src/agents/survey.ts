import type { Holder } from '@holdfast/holder/process.ts';
import { agentProcessMetaSchema } from './agent-meta.ts';

/** What the holder says of a session's processes counts, not what we remember. newest: 0 when there is none. */
export async function survey(
  holder: Pick<Holder, 'list'>,
  sessionId: string,
  known: readonly number[],
): Promise<{ alive: boolean; newest: number }> {
  const list = await holder.list();
  if (!list.ok) throw new Error(`the holder does not answer: ${list.error.message}`);
  const found = { alive: false, newest: Math.max(0, ...known) };
  for (const process of list.value) {
    const meta = agentProcessMetaSchema.safeParse(process.meta);
    if (!meta.success || meta.data.sessionId !== sessionId) continue;
    found.newest = Math.max(found.newest, meta.data.generation);
    if (process.exit === null) found.alive = true;
  }
  return found;
}
