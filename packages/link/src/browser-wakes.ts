import type { WakeReason } from '@holdfast/core/client/connection.ts';

/**
 * Tells a client when the page is looked at and when not, and when the network may be another one. Returns the function
 * that ends it.
 */
export function listenForWakes(wake: (reason: WakeReason) => void, unwatched: () => void): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  const shown = (): void => {
    if (document.visibilityState === 'visible') wake('foreground');
    else unwatched();
  };
  if (document.visibilityState === 'hidden') unwatched();
  document.addEventListener('visibilitychange', shown, { signal });
  window.addEventListener('pageshow', shown, { signal });
  window.addEventListener('online', () => wake('online'), { signal });
  const connection: unknown = Reflect.get(navigator, 'connection');
  if (connection instanceof EventTarget) {
    connection.addEventListener('change', () => wake('network-change'), { signal });
  }
  return () => ended.abort();
}
