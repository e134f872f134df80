import type { Found } from './emulator.ts';

/** "3 of 17", from the first line on. */
export function foundWords(found: Found | null): string {
  if (found === null || found.count === 0) return 'None';
  if (found.current < 0) return `${found.count}+`;
  return `${found.current + 1} of ${found.count}`;
}
