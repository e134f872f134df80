/** A value that changes. `subscribe` calls at once with the current value and then for each change (Svelte's store contract). */
export interface Observable<T> {
  get(): T;
  subscribe(listener: (value: T) => void): () => void;
}

export interface Settable<T> extends Observable<T> {
  /** Tells the listeners unless it is the very same value. A listener may unsubscribe while it is told. */
  set(value: T): void;
}

export function observable<T>(initial: T): Settable<T> {
  let current = initial;
  const listeners = new Set<{ tell: (value: T) => void }>();
  return {
    get: () => current,
    set: (value) => {
      if (Object.is(value, current)) return;
      current = value;
      for (const listener of [...listeners]) if (listeners.has(listener)) listener.tell(value);
    },
    subscribe: (tell) => {
      const listener = { tell };
      listeners.add(listener);
      tell(current);
      return () => void listeners.delete(listener);
    },
  };
}
