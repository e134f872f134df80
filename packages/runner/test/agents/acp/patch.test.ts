import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unifiedPatch } from '../../../src/agents/acp/patch.ts';

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', '', '-x', '+y'), { maxLength: 12 })
  .map((lines) => lines.join('\n'));

describe('the patch of a change', () => {
  it('TURN8: applied by git to the old text, gives the new one', () => {
    using directory = temporaryDirectory();
    const file = join(directory.path, 'f');
    fc.assert(
      fc.property(text, text, (before, after) => {
        const patch = unifiedPatch('f', before, after);
        if (before === after) {
          expect(patch).toBe('');
          return;
        }
        writeFileSync(file, before);
        execFileSync('git', ['apply', '--unidiff-zero', '--whitespace=nowarn', '-'], {
          cwd: directory.path,
          input: patch,
        });
        expect(readFileSync(file, 'utf8')).toBe(after);
      }),
      { numRuns: 60 },
    );
  });

  it('TURN8: of a new file says so', () => {
    expect(unifiedPatch('n', null, 'x\n')).toBe('--- /dev/null\n+++ b/n\n@@ -0,0 +1,1 @@\n+x\n');
  });
});
