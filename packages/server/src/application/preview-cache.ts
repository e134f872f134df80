/** The unfinished text of agents, whole, for those who come in the middle. Bounded; lost with the server and asked again. */
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';

/** UTF-16 units kept per block; a longer text is shown from its fact. */
const blockLimit = 512 * 1024;

export class PreviewCache {
  readonly #sessions = new Map<string, Map<string, Preview>>();

  /** false: it does not follow on what is known, so the whole is needed. */
  add(sessionId: string, preview: Preview): boolean {
    const blocks = this.#sessions.get(sessionId) ?? new Map<string, Preview>();
    const known = blocks.get(preview.blockId);
    const length = known?.text.length ?? 0;
    if (preview.offset > length) return false;
    const text = (known?.text.slice(0, preview.offset) ?? '') + preview.text;
    if (text.length > blockLimit) return true;
    blocks.set(preview.blockId, { ...preview, offset: 0, text });
    this.#sessions.set(sessionId, blocks);
    return true;
  }

  /** Drops what has become a fact or can become none any more. */
  written(sessionId: string, facts: readonly Fact[]): void {
    const blocks = this.#sessions.get(sessionId);
    if (blocks === undefined) return;
    for (const fact of facts) {
      if (fact.type === 'message.assistant') blocks.delete(fact.data.blockId);
      if (fact.type === 'turn.ended' || fact.type === 'turn.interrupted') blocks.clear();
    }
    if (blocks.size === 0) this.#sessions.delete(sessionId);
  }

  of(sessionId: string): readonly Preview[] {
    return [...(this.#sessions.get(sessionId)?.values() ?? [])];
  }

  delete(sessionId: string): void {
    this.#sessions.delete(sessionId);
  }
}
