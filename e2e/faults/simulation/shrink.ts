/** Leaves out what a failure does not need: halves first, then ever smaller parts, down to single ones. */
export async function shrink<T>(items: readonly T[], fails: (items: readonly T[]) => Promise<boolean>): Promise<T[]> {
  let left = [...items];
  for (let size = Math.ceil(left.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < left.length;) {
      const without = left.toSpliced(from, size);
      if (await fails(without)) left = without;
      else from += size;
    }
  }
  return left;
}
