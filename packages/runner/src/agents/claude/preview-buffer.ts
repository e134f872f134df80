/** Gathers what is added to blocks under way, so that a fast model makes a few previews a second and not thousands. */
import type { Preview } from '@holdfast/protocol/socket.ts';

/** Milliseconds that text may wait here. */
const longestWait = 30;

export class PreviewBuffer {
  readonly #tell: (preview: Preview) => void;
  readonly #waiting = new Map<string, Preview>();
  #timer: NodeJS.Timeout | null = null;

  constructor(tell: (preview: Preview) => void) {
    this.#tell = tell;
  }

  add(preview: Preview): void {
    const waiting = this.#waiting.get(preview.blockId);
    const joins = waiting !== undefined && waiting.offset + waiting.text.length === preview.offset;
    this.#waiting.set(preview.blockId, joins ? { ...waiting, text: waiting.text + preview.text } : preview);
    this.#timer ??= setTimeout(() => this.flush(), longestWait);
  }

  /** Its fact is there. */
  drop(blockId: string): void {
    this.#waiting.delete(blockId);
  }

  flush(): void {
    const previews = [...this.#waiting.values()];
    this.dispose();
    for (const preview of previews) this.#tell(preview);
  }

  dispose(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waiting.clear();
  }
}
