import { describe, expect, it } from 'vitest';
import { CommandBlocks, commandRow } from '#lib/terminal/command-blocks.ts';
import type { Command } from '#lib/terminal/command-blocks.ts';
import { commandWords, longCommandWords } from '#lib/terminal/command-words.ts';
import { shellMark } from '#lib/terminal/shell-mark.ts';

function reader() {
  const state = { now: 0, replaying: false };
  const told: Command<number>[] = [];
  const dropped: number[] = [];
  let places = 0;
  const blocks = new CommandBlocks<number>({
    place: () => (places += 1),
    drop: (place) => void dropped.push(place),
    now: () => state.now,
    replaying: () => state.replaying,
    began: (command) => void told.push(command),
    ended: (command) => void told.push(command),
  });
  const read = (...payloads: string[]): void => {
    for (const payload of payloads) {
      const mark = shellMark(payload);
      if (mark !== null) blocks.read(mark);
    }
  };
  return { state, told, dropped, blocks, read };
}

const running = { state: 'running', exitCode: null, duration: null };

describe('the commands of a shell', () => {
  it('SHELL4: a command has the place of its prompt, its line, its status and its time', () => {
    const { state, told, dropped, read } = reader();
    read('A', 'B', 'A', 'B', 'E;echo "a\\x3bb\\x0a\\\\x41"', 'C');
    state.now = 1_500;
    read('D;3', 'P;Cwd=/', 'A', 'B', 'C', 'D', 'C', 'C', 'A', 'D;1');
    expect(dropped).toEqual([1]);
    const line = 'echo "a;b\n\\x41"';
    expect(told).toEqual([
      { place: 2, line, ...running },
      { place: 2, line, state: 'ended', exitCode: 3, duration: 1_500 },
      { place: 3, line: null, ...running },
      { place: 3, line: null, state: 'ended', exitCode: null, duration: 0 },
      { place: 4, line: null, ...running },
      { place: 4, line: null, state: 'ended', exitCode: null, duration: 0 },
      { place: 5, line: null, ...running },
      { place: 5, line: null, state: 'ended', exitCode: null, duration: 0 },
    ]);
  });

  it('SHELL4: what any program writes is no more than a mark', () => {
    for (const payload of ['', 'Z', 'D;99999999999999999999', 'D;-1', 'D;x;1']) {
      expect([null, { type: 'end', exitCode: null }]).toContainEqual(shellMark(payload));
    }
    expect(shellMark(`E;${'x'.repeat(100_000)}`)).toEqual({ type: 'line', text: 'x'.repeat(4096) });
  });

  it('SHELL4: marks say in words how a command ended', () => {
    const words = (exitCode: number | null, duration: number | null): string =>
      commandWords({ line: null, state: 'ended', exitCode, duration });
    expect(commandWords({ line: 'x', ...running, state: 'running' })).toBe('Running');
    expect([words(0, null), words(3, 1_234), words(null, 12)]).toEqual(['Done', 'Exit code 3, 1.2 s', 'Ended, 12 ms']);
  });

  it('SHELL5: from a row the nearest command before and after it is found', () => {
    const rows = [40, 3, 17];
    expect(commandRow(rows, 41, 'previous')).toBe(40);
    expect(commandRow(rows, 17, 'previous')).toBe(3);
    expect(commandRow(rows, 3, 'previous')).toBeNull();
    expect(commandRow(rows, 3, 'next')).toBe(17);
    expect(commandRow(rows, 40, 'next')).toBeNull();
  });

  it('SHELL6: a long command that ends unseen is told; none of the past, none whose beginning or end is of the past', () => {
    const { state, told, blocks, read } = reader();
    const run = (between: () => void): Command<number> | undefined => {
      read('A', 'B', 'E;make all', 'C');
      state.now += 12_000;
      between();
      read('D;2');
      return told.at(-1);
    };
    const seen = run(() => undefined);
    if (seen === undefined) throw new Error('it ended');
    expect(longCommandWords(seen, true)).toBe('make all failed with exit code 2 after 12.0 s');
    expect(longCommandWords(seen, false)).toBeNull();
    expect(longCommandWords({ ...seen, duration: 10_000 }, true)).toBeNull();
    expect(longCommandWords({ ...seen, line: `${'x'.repeat(99)}`, exitCode: 0 }, true)).toBe(
      `${'x'.repeat(60)}… ended after 12.0 s`,
    );
    expect(longCommandWords({ ...seen, line: null, exitCode: 0 }, true)).toBe('A command ended after 12.0 s');
    state.replaying = true;
    expect(run(() => undefined)?.duration).toBeNull();
    expect(run(() => (state.replaying = false))?.duration).toBeNull();
    expect(run(() => (state.replaying = true))?.duration).toBeNull();
    state.replaying = false;
    const before = told.length;
    expect(run(() => blocks.reset())?.state).toBe('running');
    expect(told.length).toBe(before + 1);
  });
});
