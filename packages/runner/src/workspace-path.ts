/** Which folders may be worked in: a path is resolved, links included, and must lie in an allowed root. */
import { lstat, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';

/** Makes the roots where missing (0755) and resolves them. bad_request with the name of the first that cannot be used. */
export async function prepareRoots(roots: readonly string[]): Promise<Result<string[]>> {
  const prepared: string[] = [];
  for (const root of roots) {
    if (!isAbsolute(root)) return fail('bad_request', `the workspaces root ${root} is not an absolute path`);
    try {
      await mkdir(root, { recursive: true, mode: 0o755 });
      const real = await realpath(root);
      if (!(await stat(real)).isDirectory()) return fail('bad_request', `the workspaces root ${root} is not a folder`);
      if (!prepared.includes(real)) prepared.push(real);
    } catch (error) {
      return fail('bad_request', `the workspaces root ${root} cannot be used: ${reasonOf(error)}`);
    }
  }
  return prepared.length > 0 ? ok(prepared) : fail('bad_request', 'there is no workspaces root');
}

/**
 * The resolved path of a folder inside one of `roots` (resolved ones), made where missing. `requested` is absolute or
 * relative to the first root. path_outside_roots: it, or where a link in it leads, is outside. bad_request: no path at
 * all. conflict: something other than a folder is there, or it cannot be made.
 */
export async function resolveWorkspacePath(roots: readonly string[], requested: string): Promise<Result<string>> {
  return resolveInside(roots, requested, true);
}

/** The same for a folder that must be there already: conflict when it is not. Nothing is made. */
export async function existingWorkspacePath(roots: readonly string[], requested: string): Promise<Result<string>> {
  return resolveInside(roots, requested, false);
}

async function resolveInside(roots: readonly string[], requested: string, make: boolean): Promise<Result<string>> {
  const [first] = roots;
  if (first === undefined) return fail('bad_request', 'there is no workspaces root');
  if (requested.length === 0) return fail('bad_request', 'the path is empty');
  if (requested.includes('\0')) return fail('bad_request', 'the path holds a NUL byte');
  if (Buffer.byteLength(requested) > limits.pathLength) return fail('bad_request', 'the path is too long');
  const wanted = resolve(first, requested);
  try {
    const { existing, missing } = await deepestExisting(wanted);
    const base = await realpath(existing);
    // Checked on what exists before anything is made, so that nothing is ever made outside.
    if (!isInside(roots, join(base, ...missing))) return outside(requested);
    if (!(await stat(base)).isDirectory()) return fail('conflict', `${requested} is not a folder`);
    if (missing.length > 0 && !make) return fail('conflict', `${requested} is not there any more`);
    let made = base;
    for (const name of missing) {
      made = join(made, name);
      // Not recursive: a link put in the way meanwhile makes this fail instead of being followed.
      await mkdir(made, { mode: 0o755 }).catch((error: unknown) => {
        if (codeOf(error) !== 'EEXIST') throw error;
      });
      const real = await realpath(made);
      if (!isInside(roots, real)) return outside(requested);
      made = real;
    }
    if (!(await stat(made)).isDirectory()) return fail('conflict', `${requested} is not a folder`);
    return ok(made);
  } catch (error) {
    // What is outside is not described.
    if (!isInside(roots, wanted)) return outside(requested);
    return fail(codeOf(error) === 'ENAMETOOLONG' ? 'bad_request' : 'conflict', `${requested}: ${reasonOf(error)}`);
  }
}

/** Both resolved. A root itself is inside. */
export function isInside(roots: readonly string[], path: string): boolean {
  return roots.some((root) => path === root || path.startsWith(root === sep ? sep : root + sep));
}

/** Where the path stops to exist (a dangling link exists), and the names after that. */
async function deepestExisting(path: string): Promise<{ existing: string; missing: string[] }> {
  const missing: string[] = [];
  let existing = path;
  for (;;) {
    try {
      await lstat(existing);
      return { existing, missing };
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || existing === dirname(existing)) throw error;
      missing.unshift(existing.slice(dirname(existing).length).replace(/^\/+/, ''));
      existing = dirname(existing);
    }
  }
}

const outside = (requested: string) => fail('path_outside_roots', `${requested} is outside the allowed roots`);

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ELOOP: 'links lead in a circle',
  ENOENT: 'a link leads to nothing',
  ENOTDIR: 'a part of it is not a folder',
  EEXIST: 'something other than a folder is there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  ENAMETOOLONG: 'a name in it is too long',
};

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return (code === undefined ? undefined : reasons[code]) ?? (error instanceof Error ? error.message : String(error));
}
