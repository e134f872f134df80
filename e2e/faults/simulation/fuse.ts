/** A process that may be struck down in the middle of what it does: before or after any call it makes to another part. */
export interface Fuse {
  /** True: its process is gone; nothing it does has an effect any more. */
  readonly burnt: boolean;
  /** What it had sent and was still on its way is lost with it. */
  readonly loses: boolean;
  /** How often these were called. */
  count(names: readonly string[]): number;
  /** Burns at the `calls`th call from now, before its effect or after it. 0: at once. */
  light(calls: number, when: 'before' | 'after'): void;
  /** The same, counting only calls of this name. null: not any more. */
  lightAt(point: CrashPoint | null): void;
}

/** A moment in what a process does: before or after the effect of the `calls`th call of this name. */
export interface CrashPoint {
  readonly name: string;
  readonly calls: number;
  readonly when: 'before' | 'after';
  /** What it had sent and was still on its way is lost with it. */
  readonly loses: boolean;
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
  let point: CrashPoint | null = null;
  /** When this call is the last one, and null when it is not. */
  const lastMoment = (name: unknown): 'before' | 'after' | null => {
    left -= 1;
    if (left <= 0) return moment;
    if (point === null || point.name !== name) return null;
    point = { ...point, calls: point.calls - 1 };
    return point.calls <= 0 ? point.when : null;
  };
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
        const last = lastMoment(name);
        if (last === 'before') {
          burn();
          return never();
        }
        const answer: unknown = Reflect.apply(value, object, parameters);
        if (last === null) return answer;
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
      get loses() {
        return burnt && point?.loses === true;
      },
      count: (names) => names.reduce((sum, name) => sum + (calls.get(name) ?? 0), 0),
      light: (after, when) => {
        if (after === 0) return burn();
        left = after;
        moment = when;
      },
      lightAt: (next) => {
        point = next;
      },
    },
  };
}
