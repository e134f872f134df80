import { limits } from '@holdfast/protocol/limits.ts';

/**
 * The path without detours, absolute, taken from `cwd` when it is relative. null: it goes up (`..`), begins in a home
 * directory (`~`), or is no path anybody can read. Links are not followed: nothing here looks at a disk.
 */
export function normalPath(path: string, cwd: string): string | null {
  if (path === '' || path.length > limits.pathLength || /\p{C}/u.test(path) || path.startsWith('~')) return null;
  const whole = path.startsWith('/') ? path : `${cwd}/${path}`;
  if (!whole.startsWith('/')) return null;
  const parts = whole.split('/').filter((part) => part !== '' && part !== '.');
  return parts.includes('..') ? null : `/${parts.join('/')}`;
}

/** Both normal. A folder is in itself; `/work-x` is not in `/work`. */
export const isInFolder = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder === '/' ? '/' : `${folder}/`);
