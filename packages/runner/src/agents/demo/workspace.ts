/** Files of the folder the demo agent works in, and of no other. Failures are for people: their message is shown. */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';

/** Largest file shown, in bytes. */
const readLimit = 256 * 1024;
const mostEntries = 500;

export class WorkspaceError extends Error {}

/** The path with all links resolved; the last part need not exist. */
async function confined(root: string, path: string): Promise<string> {
  const base = await realpath(root);
  const wanted = resolve(base, path);
  const real = await realOf(wanted);
  if (real !== base && !real.startsWith(base.endsWith(sep) ? base : base + sep)) {
    throw new WorkspaceError(`${path} is outside of the folder I work in.`);
  }
  return real;
}

async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    // A link to nowhere would be followed by the write that comes next.
    if (await isThere(path)) throw new WorkspaceError(`${basename(path)} is a link to something that is not there.`);
    return join(await realOf(dirname(path)), basename(path));
  }
}

export function listFolder(root: string, path: string): Promise<string> {
  return told(path, async () => {
    const entries = await readdir(await confined(root, path), { withFileTypes: true });
    const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
    const more = names.length - mostEntries;
    return names.length === 0
      ? '(empty)'
      : [...names.slice(0, mostEntries), ...(more > 0 ? [`… and ${more} more`] : [])].join('\n');
  });
}

export function readTextFile(root: string, path: string): Promise<string> {
  return told(path, async () => {
    const file = await open(await confined(root, path), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const status = await file.stat();
      if (!status.isFile()) throw new WorkspaceError(`${path} is not a file.`);
      if (status.size > readLimit)
        throw new WorkspaceError(`${path} has ${status.size} bytes; I show up to ${readLimit}.`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  });
}

/** null: there is no such file yet. */
export async function textBefore(root: string, path: string): Promise<string | null> {
  const real = await told(path, () => confined(root, path));
  return (await isThere(real)) ? readTextFile(root, path) : null;
}

export function writeTextFile(root: string, path: string, text: string): Promise<void> {
  return told(path, async () => {
    const target = await confined(root, path);
    await mkdir(dirname(target), { recursive: true });
    // Looked at again after the folders are there, and never through a link in the last part.
    if ((await confined(root, path)) !== target) throw new WorkspaceError(`${path} changed while I was writing it.`);
    const file = await open(target, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  });
}

async function told<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof WorkspaceError) throw error;
    const reasons: Record<string, string> = {
      ENOENT: 'does not exist',
      EACCES: 'may not be opened',
      EISDIR: 'is a folder',
      ENOTDIR: 'is not a folder',
      ELOOP: 'is a link',
    };
    throw new WorkspaceError(`${path} ${reasons[codeOf(error)] ?? `cannot be used (${codeOf(error)})`}.`, {
      cause: error,
    });
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
