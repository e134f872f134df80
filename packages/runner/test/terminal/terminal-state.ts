/** All of a terminal that can be seen, or that changes what output does to it, as values that can be compared. */
import graphemes from '@xterm/addon-unicode-graphemes';
import headless from '@xterm/headless';
import type { IBuffer, IBufferCell } from '@xterm/headless';
import { limits } from '@holdfast/protocol/limits.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import type { Attributes } from '@holdfast/runner/terminal/style.ts';
import { internalsOf } from '@holdfast/runner/terminal/xterm-internals.ts';
import type { Charset, InnerBuffer, Internals } from '@holdfast/runner/terminal/xterm-internals.ts';

export type Terminal = InstanceType<typeof headless.Terminal>;
export type TerminalState = Readonly<Record<string, unknown>>;

/** A page's, as far as the screen goes. */
export function openTerminal(cols: number, rows: number, scrollback: number = limits.scrollbackLines): Terminal {
  const terminal = new headless.Terminal({ cols, rows, scrollback, allowProposedApi: true });
  terminal.loadAddon(new graphemes.UnicodeGraphemesAddon());
  return terminal;
}

export function feed(terminal: Terminal, data: string | Uint8Array): Promise<void> {
  return new Promise((parsed) => terminal.write(data, parsed));
}

/** One who comes to `screen` and is given what follows. */
export async function returned(screen: Screen, after: Uint8Array): Promise<Terminal> {
  const terminal = openTerminal(screen.cols, screen.rows);
  await feed(terminal, Buffer.concat([Buffer.from(screen.ansi), after]));
  return terminal;
}

export function stateOf(terminal: Terminal): TerminalState {
  const internals = internalsOf(terminal);
  const { coreService, coreMouseService, buffers, _charsetService: charsets, _inputHandler: input } = internals;
  const { normal, alternate, active } = terminal.buffer;
  const isAlternate = active.type === 'alternate';
  const { x, y } = buffers.active;
  return {
    size: [terminal.cols, terminal.rows],
    cursor: { x, y, hidden: coreService.isCursorHidden, writes: attributesState(input._curAttrData, internals) },
    joins: input._parser.precedingJoinState !== 0,
    modes: { ...terminal.modes, ...coreService.decPrivateModes, mouse: coreMouseService.activeEncoding },
    options: [terminal.options.convertEol, terminal.options.cursorBlink === true],
    titles: [input._windowTitle, input._iconName],
    charsets: [charsets.charset, ...[0, 1, 2, 3].map((level) => charsets._charsets[level])].map(charsetState),
    shift: charsets.glevel,
    normal: { ...bufferState(buffers.normal, terminal), lines: linesOf(normal, terminal, internals) },
    alternate: isAlternate
      ? { ...bufferState(buffers.alt, terminal), lines: linesOf(alternate, terminal, internals) }
      : null,
    savedOfAlternate: savedState(buffers.alt, terminal),
  };
}

function bufferState(buffer: InnerBuffer, { cols }: Terminal): TerminalState {
  const { scrollTop, scrollBottom, tabs } = buffer;
  return {
    margins: [scrollTop, scrollBottom],
    tabs: Array.from({ length: cols }, (_, column) => (tabs[column] === true ? 'T' : '.')).join(''),
    saved: savedState(buffer, { cols }),
  };
}

/** As restoring brings it back: within the screen. */
function savedState(
  { savedX, savedY, ybase, savedCurAttrData, savedCharset }: InnerBuffer,
  { cols }: { cols: number },
) {
  return {
    at: [Math.min(savedX, cols - 1), Math.max(0, savedY - ybase)],
    writes: styleState(savedCurAttrData),
    charset: charsetState(savedCharset),
  };
}

/** Each line: does it go on from the one before, its text, and its cells. */
function linesOf(buffer: IBuffer, terminal: Terminal, internals: Internals): string[] {
  const lines: string[] = [];
  for (let row = 0; row < buffer.length; row += 1) {
    const line = buffer.getLine(row);
    if (line === undefined) continue;
    const cells: string[] = [];
    let before = '';
    for (let column = 0; column < terminal.cols; column += 1) {
      const cell = line.getCell(column);
      if (cell === undefined) continue;
      const state = cellState(cell, internals);
      if (state !== before) cells.push(`<${column} ${state}>`);
      before = state;
      // The second half of a wide character; what an edit leaves of one is blank.
      const isHalf = column > 0 && cell.getWidth() === 0 && line.getCell(column - 1)?.getWidth() === 2;
      cells.push(cell.getWidth() === 2 ? `${cell.getChars()}=` : cell.getChars() || (isHalf ? '' : '_'));
    }
    lines.push(`${row > 0 && line.isWrapped ? '+' : '-'}${cells.join('')}`);
  }
  return lines;
}

function cellState(cell: IBufferCell, internals: Internals): string {
  const attributes = cell as unknown as Attributes;
  const state = cell.getChars() === '' ? styleState(attributes) : attributesState(attributes, internals);
  return state === '0 0 ' ? '' : state;
}

function attributesState(attributes: Attributes, internals: Internals): string {
  const { bg, extended } = attributes;
  const link = (bg & 0x10000000) === 0 ? undefined : internals._oscLinkService.getLinkData(extended.urlId);
  return `${styleState(attributes)}${link === undefined ? '' : ` link ${link.id ?? ''} ${link.uri}`}`;
}

/** Colours and flags; the underline's kind and colour where they count. */
function styleState({ fg, bg, extended }: Attributes): string {
  const underlined = (fg & 0x10000000) !== 0;
  const counts = underlined && (bg & 0x10000000) !== 0;
  const underline = underlined
    ? `u${counts ? (extended._ext >>> 26) & 7 || 1 : 1}:${counts ? colour(extended._ext & 0x3ffffff).toString(16) : 0}`
    : '';
  return `${colour(fg).toString(16)} ${colour(bg & ~0x10000000).toString(16)} ${underline}`;
}

/** Of a palette's colour only the last byte counts; xterm leaves what was there in the others. */
function colour(value: number): number {
  const mode = value & 0x3000000;
  return (mode === 0x1000000 || mode === 0x2000000 ? value & ~0xffff00 : value) >>> 0;
}

function charsetState(charset: Charset): string {
  return charset === undefined ? '' : Object.values(charset).join('');
}
