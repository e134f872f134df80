import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, describe, expect, it } from 'vitest';
import type { Screen } from '@holdfast/protocol/screen.ts';
import { ScreenModel } from '@holdfast/runner/terminal/screen-model.ts';
import { createScreenModels } from '@holdfast/runner/terminal/screen-models.ts';
import { fullScreenProgram, manyLines, progressBar, randomOutput } from './program-output.ts';
import { RunnerTerminal } from './runner-terminal.ts';
import { families } from './sequence-families.ts';
import { feed, openTerminal, returned, stateOf } from './terminal-state.ts';
import type { TerminalState } from './terminal-state.ts';

const models = createScreenModels(pino({ level: 'silent' }));
afterAll(() => models.close());

const soak = process.env['HOLDFAST_SOAK'] === '1';
const encoder = new TextEncoder();
const small = { cols: 20, rows: 6 };
const usual = { cols: 80, rows: 24 };
type Size = typeof usual;

const recorded = (name: string): Uint8Array => readFileSync(new URL(`recordings/${name}.bin`, import.meta.url));

async function neverLeft(output: Uint8Array, { cols, rows }: Size): Promise<TerminalState> {
  const terminal = openTerminal(cols, rows);
  await feed(terminal, output);
  const state = stateOf(terminal);
  terminal.dispose();
  return state;
}

/** Of one who comes to `screen` and is given the rest of `output`. */
async function cameBack(screen: Screen, output: Uint8Array): Promise<TerminalState> {
  const terminal = await returned(screen, output.subarray(screen.offset));
  const state = stateOf(terminal);
  terminal.dispose();
  return state;
}

/** Parsed up to `cut`, from a screen taken before. */
async function screenAt(base: Screen, output: Uint8Array, cut: number): Promise<Screen> {
  const model = new ScreenModel(base);
  await model.write(output.subarray(base.offset, cut));
  const { screen } = await model.snapshot();
  model.dispose();
  return screen;
}

/** One screen is taken from the other, as runners do that take over from each other. */
async function expectSameAfter(output: Uint8Array, cuts: readonly number[], size: Size): Promise<void> {
  let screen: Screen = { offset: 0, ...size, ansi: '' };
  for (const cut of cuts.map((at) => at % (output.length + 1)).sort((one, two) => one - two)) {
    if (cut > screen.offset) screen = await screenAt(screen, output, cut);
  }
  expect(await cameBack(screen, output)).toEqual(await neverLeft(output, size));
}

describe('a screen is exact', () => {
  it.each(Object.entries(families))('TERM10: %s: carried over at every byte', async (_, outputs) => {
    for (const text of outputs) {
      const output = encoder.encode(text);
      const stayed = await neverLeft(output, small);
      const model = new ScreenModel({ offset: 0, ...small, ansi: '' });
      let last = -1;
      for (let cut = 0; cut <= output.length; cut += 1) {
        if (cut > 0) await model.write(output.subarray(cut - 1, cut));
        // Inside a sequence, or a character, it is the screen before it.
        if (model.offset === last) continue;
        last = model.offset;
        const { screen } = await model.snapshot();
        expect(await cameBack(screen, output), `${JSON.stringify(text)} at ${cut}`).toEqual(stayed);
      }
      model.dispose();
    }
  });

  it('TERM10: of a sequence too long to be kept nothing is shown, wherever one comes back', async () => {
    for (const [begin, end] of [
      ['\x1b]52;c;', '\x07'],
      ['\x1bP1q', '\x1b\\'],
      ['\u009d1337;File=:', '\u009c'],
    ]) {
      const output = encoder.encode(`before${begin}${'QUJD'.repeat(60_000)}${end}after`);
      for (const cuts of [[100_000], [90_000, 180_000], [90_000, 90_100, 239_000]])
        await expectSameAfter(output, cuts, small);
    }
  });

  it('TERM3: whatever was written, and wherever it was cut', { timeout: 600_000 }, async () => {
    const cuts = fc.array(fc.nat(), { minLength: 1, maxLength: 3 });
    const property = fc.asyncProperty(randomOutput, cuts, (output, at) =>
      expectSameAfter(output, at, { cols: 20, rows: 8 }),
    );
    await fc.assert(property, { numRuns: soak ? 20_000 : 150 });
  });

  const programs: [string, () => Uint8Array][] = [
    ...['vim', 'less', 'git-log', 'tmux', 'claude'].map((name): [string, () => Uint8Array] => [
      name,
      () => recorded(name),
    ]),
    ['a progress bar', () => progressBar(300, usual.cols)],
    ['a full-screen program', () => fullScreenProgram(40, usual)],
  ];
  it.each(programs)('TERM3: what %s writes, cut where it may be', { timeout: 600_000 }, async (_, write) => {
    const output = write();
    const cuts = fc.array(fc.nat(), { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(cuts, (at) => expectSameAfter(output, at, usual));
    await fc.assert(property, { numRuns: soak ? 500 : 8 });
  });

  it(
    'TERM3: 10 MB of lines, some of them coloured, with checkpoints and runners that take over',
    { timeout: 120_000 },
    async () => {
      const output: Uint8Array[] = [];
      let terminal = new RunnerTerminal({ models, size: usual }, output, null);
      const all = manyLines(10 * 1024 * 1024, usual.cols);
      for (let at = 0; at < all.length; at += 50_021) {
        output.push(all.subarray(at, at + 50_021));
        await terminal.read();
        const block = output.length;
        if (block % 19 === 0) await terminal.screen.checkpoint();
        if (block % 67 !== 0) continue;
        terminal.screen.close();
        terminal = new RunnerTerminal({ models, size: usual }, output, terminal);
        await terminal.read();
      }
      const { screen } = await terminal.screen.snapshot();
      expect(await cameBack(screen, all)).toEqual(await neverLeft(all, usual));
      terminal.screen.close();
    },
  );
});
