/** A process that may be struck down in the middle of what it does: before or after any call it makes to another part. */
export interface Fuse {
  /** True: its process is gone; nothing it does has an effect any more. */
  readonly burnt: boolean;
  /** How often these were called. */
  count(names: readonly string[]): number;
  /** Burns at the `calls`th call from now, before its effect or after it. 0: at once. */
  light(calls: number, when: 'before' | 'after'): void;
}

/** `target`, of which every method but those named `direct` is a call in the sense of the fuse and answers a promise. */
export function fused<T extends object>(
  target: T,
  direct: readonly (keyof T)[],
  onBurnt: () => void,
): { through: T; fuse: Fuse } {
  const calls = new Map<unknown, number>();
  let burnt = false;
  let left = Infinity;
  let moment: 'before' | 'after' = 'before';
  const burn = (): void => {
    if (burnt) return;
    burnt = true;
    onBurnt();
  };
  const never = (): Promise<never> => new Promise(() => undefined);
  const through = new Proxy(target, {
    get: (object, name) => {
      const value: unknown = Reflect.get(object, name);
      if (typeof value !== 'function') return value;
      if (direct.includes(name as keyof T)) return value.bind(object) as unknown;
      return (...parameters: unknown[]): unknown => {
        if (burnt) return never();
        calls.set(name, (calls.get(name) ?? 0) + 1);
        left -= 1;
        const last = left <= 0;
        if (last && moment === 'before') {
          burn();
          return never();
        }
        const answer: unknown = Reflect.apply(value, object, parameters);
        if (!last) return answer;
        burn();
        return never();
      };
    },
  });
  return {
    through,
    fuse: {
      get burnt() {
        return burnt;
      },
      count: (names) => names.reduce((sum, name) => sum + (calls.get(name) ?? 0), 0),
      light: (after, when) => {
        if (after === 0) return burn();
        left = after;
        moment = when;
      },
    },
  };
}
