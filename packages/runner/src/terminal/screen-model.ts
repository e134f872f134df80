/**
 * One terminal's screen, parsed from its output by the same parser the page uses. Answers no device queries: those
 * are for the one terminal a person looks at.
 */
import headless from '@xterm/headless';
import graphemes from '@xterm/addon-unicode-graphemes';
import { limits } from '@holdfast/protocol/limits.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import { CompleteSequences } from './complete-sequences.ts';
import { serialize } from './serialize.ts';
import { skipPlainText } from './text-skip.ts';
import { internalsOf } from './xterm-internals.ts';

const { scrollbackLines } = limits;

export interface Snapshot {
  readonly screen: Screen;
  /** The visible lines, trimmed at the right, without blank ones at the end. */
  readonly text: string;
  /** No lines above it were left out. */
  readonly whole: boolean;
}

/** One call at a time: the next when the last has resolved. */
export class ScreenModel {
  readonly #terminal: InstanceType<typeof headless.Terminal>;
  readonly #sequences = new CompleteSequences();
  #offset: number;
  #ready: Promise<void>;

  /** Goes on from `base`; an empty ansi is an empty terminal. */
  constructor(base: Screen) {
    this.#terminal = new headless.Terminal({
      cols: base.cols,
      rows: base.rows,
      scrollback: scrollbackLines,
      allowProposedApi: true,
    });
    // Whether it blinks is the page's choice until the program makes one.
    Object.assign(this.#terminal.options, { cursorBlink: undefined });
    // The page counts columns this way; another count would put the cursor elsewhere.
    this.#terminal.loadAddon(new graphemes.UnicodeGraphemesAddon());
    this.#offset = base.offset;
    this.#sequences.goOnAfter(base.ansi);
    this.#ready = base.ansi === '' ? Promise.resolve() : this.#parse(base.ansi);
  }

  /** Output up to here is on the screen; what follows is not, or waits for the rest of its sequence. */
  get offset(): number {
    return this.#offset;
  }

  /** Of plain text that follows, only the last lines can matter (text-skip.ts). Between two calls. */
  get calm(): boolean {
    const { scrollTop, scrollBottom } = internalsOf(this.#terminal).buffers.active;
    const isNormal = this.#terminal.buffer.active.type === 'normal';
    return !this.#sequences.inside && isNormal && scrollTop === 0 && scrollBottom === this.#terminal.rows - 1;
  }

  /** So many bytes of plain text will not be written: enough lines follow to push out what they would have left. */
  skip(bytes: number): void {
    // The beginning of a character, of which the rest is skipped.
    this.#offset += this.#sequences.drop() + bytes;
  }

  /** The next bytes. Resolves when they are parsed. */
  async write(bytes: Uint8Array): Promise<void> {
    await this.#ready;
    const wasCalm = this.calm;
    const complete = this.#sequences.push(bytes);
    this.#offset += complete.length;
    const skipped = wasCalm ? skipPlainText(complete, this.#terminal.rows, scrollbackLines) : 0;
    this.#ready = this.#parse(complete.subarray(skipped));
    await this.#ready;
  }

  async resize(cols: number, rows: number): Promise<void> {
    await this.#ready;
    this.#terminal.resize(cols, rows);
  }

  /** scrollback: lines above the screen that it carries. */
  async snapshot(scrollback: number = scrollbackLines): Promise<Snapshot> {
    await this.#ready;
    const { cols, rows, buffer } = this.#terminal;
    const ansi = serialize(this.#terminal, scrollback) + this.#sequences.beginning;
    const screen = { offset: this.#offset, cols, rows, ansi };
    return { screen, text: this.#text(), whole: buffer.normal.baseY <= scrollback };
  }

  dispose(): void {
    this.#terminal.dispose();
  }

  #parse(data: string | Uint8Array): Promise<void> {
    return new Promise((parsed) => this.#terminal.write(data, parsed));
  }

  #text(): string {
    const buffer = this.#terminal.buffer.active;
    const lines: string[] = [];
    for (let row = 0; row < this.#terminal.rows; row += 1) {
      lines.push((buffer.getLine(buffer.baseY + row)?.translateToString(true) ?? '').trimEnd());
    }
    return lines.join('\n').replace(/\n+$/, '');
  }
}
