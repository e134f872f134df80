import { existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  existingWorkspacePath,
  isInside,
  prepareRoots,
  resolveWorkspacePath,
} from '@holdfast/runner/workspace-path.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';

async function errorOf(result: ReturnType<typeof resolveWorkspacePath>): Promise<string> {
  const settled = await result;
  return settled.ok ? `ok ${settled.value}` : settled.error.kind;
}

describe('workspace paths', () => {
  it('AUTH7: a folder is resolved relative to the first root or absolute in any, and made where missing', async () => {
    using directory = temporaryDirectory();
    const first = join(directory.path, 'first');
    const second = join(directory.path, 'second');
    const roots = await prepareRoots([first, second, first]);
    expect(roots).toEqual({ ok: true, value: [first, second] });
    expect(await resolveWorkspacePath([first, second], 'a/b')).toEqual({ ok: true, value: join(first, 'a/b') });
    expect(existsSync(join(first, 'a/b'))).toBe(true);
    expect(await resolveWorkspacePath([first, second], `${second}/c/../d/`)).toEqual({
      ok: true,
      value: join(second, 'd'),
    });
    expect(await resolveWorkspacePath([first, second], first)).toEqual({ ok: true, value: first });
    expect(await errorOf(existingWorkspacePath([first], 'not/there'))).toBe('conflict');
    expect(existsSync(join(first, 'not'))).toBe(false);
  });

  it('AUTH7: what lies outside is refused, however it is written, and nothing is made there', async () => {
    using directory = temporaryDirectory();
    const root = join(directory.path, 'root');
    const beside = join(directory.path, 'root-beside');
    mkdirSync(root);
    mkdirSync(beside);
    writeFileSync(join(root, 'file'), '');
    symlinkSync(beside, join(root, 'link'));
    symlinkSync(join(directory.path, 'nowhere'), join(root, 'dangling'));
    symlinkSync('loop', join(root, 'loop'));
    for (const path of [
      '..',
      '../root-beside',
      beside,
      '/',
      '/etc',
      '/etc/passwd/x',
      'link',
      'link/new',
      'a/../../x',
    ]) {
      expect([path, await errorOf(resolveWorkspacePath([root], path))]).toEqual([path, 'path_outside_roots']);
    }
    for (const path of ['file', 'file/below', 'dangling', 'dangling/below', 'loop/x']) {
      expect([path, await errorOf(resolveWorkspacePath([root], path))]).toEqual([path, 'conflict']);
    }
    for (const path of ['', 'a\0b', 'x'.repeat(5_000), 'y'.repeat(300)]) {
      expect(await errorOf(resolveWorkspacePath([root], path))).toBe('bad_request');
    }
    expect(existsSync(join(beside, 'new'))).toBe(false);
    expect(existsSync(join(directory.path, 'nowhere'))).toBe(false);
    expect(existsSync(join(directory.path, 'x'))).toBe(false);
  });

  it('AUTH7: whatever is asked for, an accepted path really lies in a root', async () => {
    using directory = temporaryDirectory();
    const root = join(directory.path, 'r');
    const outside = join(directory.path, 'r2');
    mkdirSync(join(root, 'd'), { recursive: true });
    mkdirSync(outside);
    symlinkSync('..', join(root, 'd', 'up'));
    symlinkSync('../../r2', join(root, 'd', 'out'));
    symlinkSync(outside, join(root, 'abs'));
    symlinkSync(root, join(outside, 'back'));
    const segment = fc.constantFrom('..', '.', 'd', 'up', 'out', 'abs', 'back', 'new', '', root, outside, 'r', 'r2');
    await fc.assert(
      fc.asyncProperty(fc.array(segment, { minLength: 1, maxLength: 8 }), fc.boolean(), async (segments, absolute) => {
        const path = (absolute ? `${root}/` : '') + segments.join('/');
        const result = await resolveWorkspacePath([root], path);
        if (!result.ok) return;
        expect(realpathSync(result.value)).toBe(result.value);
        expect(isInside([root], result.value)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('AUTH7: a root that cannot be used is named', async () => {
    using directory = temporaryDirectory();
    writeFileSync(join(directory.path, 'file'), '');
    const result = await prepareRoots([join(directory.path, 'file')]);
    expect(result).toMatchObject({ ok: false, error: { message: expect.stringContaining('/file') as string } });
    expect(await prepareRoots(['relative'])).toMatchObject({ ok: false });
    expect(await prepareRoots([])).toMatchObject({ ok: false });
  });
});
