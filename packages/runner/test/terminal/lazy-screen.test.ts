import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import { asDrawing } from '@holdfast/runner/terminal/raw-history.ts';
import { ScreenModel } from '@holdfast/runner/terminal/screen-model.ts';
import { createScreenModels } from '@holdfast/runner/terminal/screen-models.ts';
import { RunnerTerminal } from './runner-terminal.ts';

const models = createScreenModels(pino({ level: 'silent' }));
afterAll(() => models.close());

const size = { cols: 40, rows: 10 };
const encoder = new TextEncoder();

const lines = (count: number, width: number, seed: number): string =>
  Array.from({ length: count }, (_, line) => `${seed}.${line} ${'x'.repeat((line * 7 + seed) % width)}`).join('\r\n');
const piece = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(fc.integer({ min: 4_000, max: 14_000 }), fc.nat(99)).map(([n, s]) => lines(n, 70, s)),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('\r\n\x1b[?2004h\x1b]0;title\x07\x1b[32m$ \x1b[0m', 'ls\r\n', '漢字 é\r\n', '\x07'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('\x1b[?1049h\x1b[2Jfull screen', '\x1b[?1049l', '\x1b[2;5r', '\x1b[r', '\x0e'),
  },
  { weight: 1, arbitrary: fc.nat(9_000).map((count) => `\x1b[3${count % 8}m${lines(count, 60, count)}\x1b[0m\r\n`) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 300_000 }).map((count) => 'y'.repeat(count)) },
);

async function expectSame(terminal: RunnerTerminal, output: readonly Uint8Array[]): Promise<void> {
  const whole = new ScreenModel({ offset: 0, ...size, ansi: '' });
  await whole.write(Buffer.concat(output));
  for (const scrollback of [0, 20, 1_000]) {
    const again = new ScreenModel((await terminal.screen.view(scrollback)).screen);
    const [seen, all] = [await again.snapshot(scrollback), await whole.snapshot(scrollback)];
    // A view may carry more lines than were asked for; those that were are the same.
    expect({ ...seen, whole: all.whole }).toEqual(all);
    again.dispose();
  }
  expect(await terminal.screen.snapshot()).toEqual(await whole.snapshot());
  whole.dispose();
}

describe('a screen that is parsed only when it must be', () => {
  it(
    'TERM3: is the screen of all output, also for a runner that took over at any point',
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 8 }), fc.nat(), async (pieces, seed) => {
          const bytes = encoder.encode(pieces.join(''));
          const output: Uint8Array[] = [];
          let terminal = new RunnerTerminal({ models, size }, output, null);
          for (let at = 0, block = 0; at < bytes.length; block += 1) {
            const length = 1 + ((seed + block * 7_919) % 65_536);
            output.push(bytes.subarray(at, at + length));
            at += length;
            await terminal.read();
            const chance = (seed + block * 31) % 23;
            if (chance === 0) await expectSame(terminal, output);
            if (chance === 1) await terminal.screen.checkpoint();
            if (chance !== 2) continue;
            terminal.screen.close();
            terminal = new RunnerTerminal({ models, size }, output, terminal);
            await terminal.read();
          }
          await expectSame(terminal, output);
          terminal.screen.close();
        }),
        { numRuns: 12 },
      );
    },
  );

  it('TERM5: a flood of plain text after a prompt is let go of as it comes, without the parser', async () => {
    const output: Uint8Array[] = [encoder.encode('\x1b[?2004h\x1b[32m$ \x1b[0mcat log\r\n')];
    const terminal = new RunnerTerminal({ models, size }, output, null);
    await terminal.read();
    const text = encoder.encode(lines(20_000, 80, 1));
    for (let at = 0; at < text.length; at += 65_536) {
      output.push(text.subarray(at, at + 65_536));
      await terminal.read();
      // The first time a checkpoint has to be made durable.
      if (terminal.checkpoint === null) await terminal.screen.checkpoint();
      expect(terminal.ring.end - terminal.released).toBeLessThan(512 * 1024);
    }
    await expectSame(terminal, output);
    terminal.screen.close();
  });

  it('TERM4: what only the parser knows is not let go of with the text after it', async () => {
    const output = [encoder.encode(`${lines(9_000, 60, 1)}\x1b[?1h\x1b[35m\r\n`)];
    const terminal = new RunnerTerminal({ models, size }, output, null);
    await terminal.read();
    expect(terminal.ring.end - terminal.released).toBeGreaterThan(256 * 1024);
    await terminal.screen.snapshot();
    for (let block = 0; block < 12; block += 1) {
      output.push(encoder.encode(`${lines(1_000, 80, block)}\r\n`));
      await terminal.read();
    }
    const next = new RunnerTerminal({ models, size }, output, terminal);
    terminal.screen.close();
    await next.read();
    await expectSame(next, output);
    next.screen.close();
  });

  it('TERM3: a new size before anything was written is the size of what is drawn', async () => {
    const output: Uint8Array[] = [];
    const terminal = new RunnerTerminal({ models, size }, output, null);
    terminal.screen.resized(100, 30);
    output.push(encoder.encode('$ '));
    await terminal.read();
    expect(await terminal.screen.view(0)).toEqual({
      screen: { offset: 2, cols: 100, rows: 30, ansi: '$ ' },
      whole: true,
    });
    terminal.screen.resized(50, 30);
    expect((await terminal.screen.snapshot()).screen).toMatchObject({ offset: 2, cols: 50, rows: 30 });
    terminal.screen.close();
  });
});

describe('what only draws', () => {
  const drawing = [
    '$ ',
    '\x1b[?2004h\x1b[01;32muser\x1b[00m:\x1b[01;34m~\x1b[00m$ ',
    '\x1b]0;title\x07a',
    'é\r\n漢\t\b',
    '\x1b]7;file:///\x1b\\x',
  ];
  it.each(drawing)('TERM3: %j is its own screen', (text) => {
    expect(asDrawing(encoder.encode(text))).toBe(text);
  });

  const more = [
    '\x07',
    '\x1b[6n',
    '\x1b[c',
    '\x1b[?1049h',
    '\x1b[2;3r',
    '\x1b]52;c;eA==\x07',
    '\x1b]11;?\x07',
    '\x1bPq\x1b\\',
    'a\x1b[3',
    '\x0e',
    '\x1bc',
  ];
  it.each(more)('PAGE6: %j is left to the parser, which answers and rings for nobody', (text) => {
    expect(asDrawing(encoder.encode(text))).toBeNull();
  });

  it('TERM3: half a character is left to the parser', () => {
    expect(asDrawing(Uint8Array.of(0x61, 0xc3))).toBeNull();
  });
});
