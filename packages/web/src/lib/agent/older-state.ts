/** What a page says of the part of a conversation that it has not read. */
import type { LogView } from '@holdfast/core/client/log-view.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';

export type OlderState = {
  readonly words: string;
  /** Going back reads it. */
  readonly canLoad: boolean;
} & ({ readonly look: 'none' | 'end' | 'loading' } | { readonly look: 'more' | 'failed'; readonly action: string });

export interface GoingBack {
  /** Something older than what the page opened with has been read. */
  readonly wentBack: boolean;
  readonly loading: boolean;
  /** Of the last attempt. */
  readonly error: ErrorBody | null;
  readonly connected: boolean;
}

export function olderState(
  view: Pick<LogView, 'from' | 'oldestSeq'> | null,
  { wentBack, loading, error, connected }: GoingBack,
): OlderState {
  // A conversation that is shown whole from the start needs no mark at its beginning.
  if (view === null || (view.from === 1 && !wentBack)) return { look: 'none', words: '', canLoad: false };
  if (view.from === 1) return { look: 'end', words: 'Beginning of the conversation', canLoad: false };
  if (view.from <= view.oldestSeq) return { look: 'end', words: 'Older parts were removed', canLoad: false };
  if (loading) return { look: 'loading', words: 'Loading older parts', canLoad: false };
  if (!connected) return { look: 'end', words: 'Older parts can be read when connected', canLoad: false };
  if (error !== null) {
    return { look: 'failed', words: 'Older parts could not be loaded', action: 'Try again', canLoad: true };
  }
  return { look: 'more', words: '', action: 'Show older parts', canLoad: true };
}
