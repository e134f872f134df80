import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ScreenModel } from '@holdfast/runner/terminal/screen-model.ts';
import { CompleteSequences } from '@holdfast/runner/terminal/complete-sequences.ts';
import { skipPlainText } from '@holdfast/runner/terminal/text-skip.ts';

const encoder = new TextEncoder();
const empty = (cols: number, rows: number) => ({ offset: 0, cols, rows, ansi: '' });

/** What programs write: text, wide characters, moves, colours, regions, alternate screen, titles, modes. */
const piece = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 30 }) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('\r\n', '\n', '\r', '\b', '\t', 'é', '漢字', '😀', 'a'.repeat(20), 'b'.repeat(40)),
  },
  fc.tuple(fc.nat(30), fc.nat(30)).map(([y, x]) => `\x1b[${y};${x}H`),
  fc.nat(110).map((code) => `\x1b[${code}m`),
  fc.tuple(fc.nat(255), fc.nat(255)).map(([f, b]) => `\x1b[38;5;${f};48;2;${b};0;${f}m`),
  fc.constantFrom('\x1b[2J', '\x1b[K', '\x1b[J', '\x1b[L', '\x1b[M', '\x1b[P', '\x1b[@', '\x1bM', '\x1bD', '\x1bE'),
  fc.constantFrom('\x1b7', '\x1b8', '\x1b[?1049h', '\x1b[?1049l', '\x1b[?25l', '\x1b[?25h', '\x1b[?7l', '\x1b[?7h'),
  fc.constantFrom('\x1b[?1000h', '\x1b[?1006h', '\x1b[?2004h', '\x1b[?1h', '\x1b[4h', '\x1b[4l', '\x1b[3 q'),
  fc.tuple(fc.nat(6), fc.nat(10)).map(([top, bottom]) => `\x1b[${top};${bottom}r`),
  fc.constantFrom('\x1b]0;a title\x07', '\x1bPq#0\x1b\\', '\x1b[>c', '\x1b[6n'),
);
const stream = fc.array(piece, { maxLength: 60 }).map((pieces) => encoder.encode(pieces.join('')));

async function shown(model: ScreenModel): Promise<string> {
  const { screen, text } = await model.snapshot();
  return JSON.stringify({ text, ansi: screen.ansi });
}

describe('the screen model', () => {
  it('TERM3: a cursor about to wrap is still about to wrap', async () => {
    for (const text of ['a'.repeat(20), `${'a'.repeat(18)}漢`, `\x1b[31m${'b'.repeat(20)}\x1b[44m`]) {
      const stayed = new ScreenModel(empty(20, 3));
      await stayed.write(encoder.encode(text));
      const returned = new ScreenModel((await stayed.snapshot()).screen);
      for (const model of [stayed, returned]) await model.write(encoder.encode('next'));
      expect((await returned.snapshot()).text).toMatch(/\nnext$/);
      expect(await shown(returned)).toBe(await shown(stayed));
    }
  });

  it('TERM3: output cut at every byte is parsed as if it were whole', async () => {
    await fc.assert(
      fc.asyncProperty(stream, async (bytes) => {
        const whole = new ScreenModel(empty(20, 8));
        const cut = new ScreenModel(empty(20, 8));
        await whole.write(bytes);
        for (const byte of bytes) await cut.write(Uint8Array.of(byte));
        expect(cut.offset).toBe(whole.offset);
        expect(await shown(cut)).toBe(await shown(whole));
        whole.dispose();
        cut.dispose();
      }),
      { numRuns: 50 },
    );
  });

  it('TERM3: a flood of plain text is skipped to what can still be seen, exactly', async () => {
    const printable = fc.constantFrom(...'abc .-_#$%{}~äß漢字😀\t');
    const line = fc.array(printable, { maxLength: 60 }).map((characters) => characters.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 20, maxLength: 40 }), stream, async (lines, first) => {
        let text = '';
        while (text.length < 90_000) text += lines.join('\r\n') + '\n';
        const flood = encoder.encode(text);
        const skipping = new ScreenModel(empty(30, 6));
        const parsing = new ScreenModel(empty(30, 6));
        await skipping.write(first);
        await parsing.write(first);
        await skipping.write(flood);
        for (let at = 0; at < flood.length; at += 30_000) await parsing.write(flood.subarray(at, at + 30_000));
        expect(await shown(skipping)).toBe(await shown(parsing));
        skipping.dispose();
        parsing.dispose();
      }),
      { numRuns: 30 },
    );
    expect(skipPlainText(encoder.encode('y\r\n'.repeat(100_000)), 24, 1_000)).toBeGreaterThan(290_000);
    expect(skipPlainText(encoder.encode('y\r\n'.repeat(100_000) + '\x1b[m'), 24, 1_000)).toBe(0);
  });

  it('TERM3: a sequence that never ends is passed on in parts and not kept', () => {
    const sequences = new CompleteSequences();
    expect(sequences.push(encoder.encode('\x1bP')).length).toBe(0);
    for (let block = 0; block < 100; block += 1) sequences.push(new Uint8Array(4_096).fill(0x41));
    expect(sequences.held).toBeLessThanOrEqual(64 * 1024);
    expect(sequences.push(encoder.encode('\x1b\\ok')).at(-1)).toBe('k'.charCodeAt(0));
  });
});
