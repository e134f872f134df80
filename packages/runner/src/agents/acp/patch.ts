/** Two versions of a file → a unified diff with one hunk, which goes from the first line that differs to the last. */

const context = 3;

/** oldText null: the file is new. */
export function unifiedPatch(path: string, oldText: string | null, newText: string): string {
  const before = linesOf(oldText ?? '');
  const after = linesOf(newText);
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head += 1;
  let tail = 0;
  const most = Math.min(before.length, after.length) - head;
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  if (head === before.length && head === after.length) return '';

  const first = Math.max(0, head - context);
  const keptAfter = Math.min(tail, context);
  const hunk = [
    ...before.slice(first, head).map((line) => ` ${line}`),
    ...before.slice(head, before.length - tail).map((line) => `-${line}`),
    ...after.slice(head, after.length - tail).map((line) => `+${line}`),
    ...before.slice(before.length - tail, before.length - tail + keptAfter).map((line) => ` ${line}`),
  ];
  const oldRange = range(first, before.length - tail + keptAfter - first);
  const newRange = range(first, after.length - tail + keptAfter - first);
  const from = oldText === null ? '/dev/null' : `a/${path}`;
  return `--- ${from}\n+++ b/${path}\n@@ -${oldRange} +${newRange} @@\n${hunk.join('\n')}\n`;
}

const endMissing = '\n\\ No newline at end of file';

/** A last line without its newline carries the mark that says so: it differs from the same line with one. */
function linesOf(text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  return last === '' ? lines : [...lines, last + endMissing];
}

function range(first: number, count: number): string {
  return `${count === 0 ? first : first + 1},${count}`;
}
