/**
 * Unfinished text on its way to the server. While the link is full it is left out; what was left out comes whole with
 * the next of its session that fits, or as its fact.
 */
import type { Preview } from '@holdfast/protocol/socket.ts';

export interface PreviewsOptions {
  readonly send: (sessionId: string, preview: Preview) => void;
  /** All unfinished text of a session, each block from its beginning. */
  readonly whole: (sessionId: string) => readonly Preview[];
  /** Sent and not yet taken by the server. */
  readonly bufferedBytes: () => number;
}

export interface Previews {
  add(sessionId: string, preview: Preview): void;
  /** A new link: the server asks for what it needs. */
  forget(): void;
}

/** Bytes on their way beyond which unfinished text is not added to them. */
const fullBytes = 1024 * 1024;

export function createPreviews({ send, whole, bufferedBytes }: PreviewsOptions): Previews {
  /** Sessions whose text the server has not all been sent. */
  const leftOut = new Set<string>();
  return {
    add: (sessionId, preview) => {
      if (bufferedBytes() > fullBytes) leftOut.add(sessionId);
      else if (leftOut.delete(sessionId)) for (const one of whole(sessionId)) send(sessionId, one);
      else send(sessionId, preview);
    },
    forget: () => leftOut.clear(),
  };
}
