import { utf8Length } from '@holdfast/protocol/bytes.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { safeFileName } from '../../src/upload/file-name.ts';

it.each([
  ['photo.png', 'photo.png'],
  ['My holiday (1).JPG', 'My holiday (1).JPG'],
  ['été.txt', 'été.txt'],
  ['../../etc/passwd', 'passwd'],
  ['C:\\Users\\ada\\notes.txt', 'notes.txt'],
  ['/', 'file'],
  ['..', 'file'],
  ['. . .', 'file'],
  ['', 'file'],
  ['.bashrc', 'bashrc'],
  ['...hidden.', 'hidden'],
  ['a\0b\nc\r\x1b[31m.txt', 'abc[31m.txt'],
  // Shows as "invoiceexe.pdf" where bidi marks are followed.
  ['invoice\u202Efdp.exe', 'invoicefdp.exe'],
  ['zero\u200Bwidth\uFEFF.md', 'zerowidth.md'],
  ['line\u2028break.md', 'linebreak.md'],
  ['half\uD83D.md', 'half.md'],
  ['notes/', 'notes'],
])('UPLOAD4: %j is kept as %j', (given, kept) => {
  expect(safeFileName(given)).toBe(kept);
});

it('UPLOAD4: a long name loses its middle, not its ending, and no half character stays', () => {
  const long = safeFileName(`${'é'.repeat(300)}.tar.gz`);
  expect(long.endsWith('é.gz')).toBe(true);
  expect(utf8Length(long)).toBeLessThanOrEqual(255);
  expect(utf8Length(long)).toBeGreaterThan(250);
  expect(safeFileName('x'.repeat(1_000))).toBe('x'.repeat(255));
});

it('UPLOAD4: whatever the name, it is one part of a path, in at most 255 bytes, visible, and stays as it is', () => {
  const parts = ['.', '/', '\\', ' ', 'a', '-', '\u202e', '\0', '\u{1F600}', '\uD800'];
  const spiced = fc.array(fc.constantFrom(...parts), { maxLength: 400 }).map((some) => some.join(''));
  fc.assert(
    fc.property(fc.oneof(spiced, fc.string({ unit: 'binary', maxLength: 400 })), (given) => {
      const name = safeFileName(given);
      expect(name).not.toMatch(/[/\\\p{Cc}\p{Cf}\p{Cs}]|^[.\s]|^$/u);
      expect(utf8Length(name)).toBeLessThanOrEqual(255);
      expect(safeFileName(name)).toBe(name);
    }),
  );
});
