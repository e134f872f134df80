/**
 * A terminal's whole state as the escape sequences that make it again in an empty terminal of the same size. By hand,
 * because the screen after a re-attach must be that of one who never left (TERM3), which xterm's own serializer does
 * not keep to: it leaves out scroll region, title, saved cursor, mouse encoding and cursor shape, and writes stray
 * characters at some wrapped lines.
 */
import type { IBuffer, IBufferCell, IBufferLine, Terminal } from '@xterm/headless';
import { eraseStyleSequence, styleSequence } from './style.ts';
import type { Attributes } from './style.ts';

/** A buffer as xterm keeps it: more than its interface tells. */
interface InnerBuffer {
  readonly x: number;
  readonly y: number;
  readonly ybase: number;
  readonly scrollTop: number;
  readonly scrollBottom: number;
  readonly savedX: number;
  readonly savedY: number;
  readonly savedCurAttrData: Attributes;
}

/** What xterm does not tell by its interface. Its version is pinned, and TERM3's tests watch over this. */
export interface Internals {
  readonly coreService: {
    readonly isCursorHidden: boolean;
    readonly decPrivateModes: {
      readonly cursorStyle?: 'block' | 'underline' | 'bar';
      readonly cursorBlink?: boolean;
    };
  };
  readonly coreMouseService: { readonly activeEncoding: string };
  readonly buffers: { readonly normal: InnerBuffer; readonly active: InnerBuffer };
  readonly _inputHandler: { readonly _curAttrData: Attributes; readonly _windowTitle: string };
}

export function internalsOf(terminal: Terminal): Internals {
  return (terminal as unknown as { _core: Internals })._core;
}

export function serialize(terminal: Terminal, scrollback: number): string {
  const { buffers } = internalsOf(terminal);
  const { normal, alternate, active } = terminal.buffer;
  let sequence = bufferContent(normal, terminal, scrollback);
  if (active.type === 'alternate') {
    // Switching saves the cursor; where it stood is where the program will find it again.
    const { savedX, savedY, ybase, savedCurAttrData } = buffers.normal;
    sequence += scrollRegion(buffers.normal, terminal);
    sequence += place(savedX, Math.max(0, savedY - ybase), terminal) + styleSequence(savedCurAttrData);
    sequence += `\x1b[?1049h\x1b[m\x1b[H${bufferContent(alternate, terminal, 0)}`;
  }
  return sequence + modes(terminal) + cursor(terminal);
}

/** Lines from `scrollback` above the screen to its bottom, for a terminal whose cursor is at the top left. */
function bufferContent(buffer: IBuffer, terminal: Terminal, scrollback: number): string {
  const writer = new LineWriter(terminal.cols);
  const end = buffer.baseY + terminal.rows;
  for (let row = Math.max(0, buffer.baseY - scrollback); row < end; row += 1) {
    const line = buffer.getLine(row);
    if (line !== undefined) writer.line(line, row + 1 < end ? buffer.getLine(row + 1) : undefined);
  }
  return `${writer.sequence}\x1b[m`;
}

const plain = '\x1b[0m';

class LineWriter {
  sequence = '';
  readonly #columns: number;
  #style = plain;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Ends at the beginning of the next line, if there is one. */
  line(line: IBufferLine, next: IBufferLine | undefined): void {
    const wraps = next?.isWrapped === true && this.#wraps(line, next);
    let blanks = 0;
    const skip = (): void => {
      if (blanks > 0) this.sequence += `\x1b[${blanks}C`;
      blanks = 0;
    };
    for (let column = 0; column < this.#columns; column += 1) {
      const cell = line.getCell(column);
      if (cell === undefined || cell.getWidth() === 0) continue;
      if (cell.getChars() !== '') {
        skip();
        this.#use(styleOf(cell));
        this.sequence += cell.getChars();
        continue;
      }
      const style = eraseStyleSequence(cell as unknown as Attributes);
      if (style !== plain) {
        skip();
        this.#use(style);
        this.sequence += '\x1b[X';
      }
      blanks += 1;
    }
    // A line that goes on in the next one is full: its next character wraps by itself.
    if (wraps) return;
    // A new line at the bottom takes the background along.
    this.#use(plain);
    if (next !== undefined) this.sequence += '\r\n';
  }

  #wraps(line: IBufferLine, next: IBufferLine): boolean {
    const last = line.getCell(this.#columns - 1);
    const first = next.getCell(0);
    if (last === undefined || first === undefined || first.getChars() === '') return false;
    return last.getWidth() === 0 || last.getChars() !== '' || isWideGap(line, first, this.#columns);
  }

  #use(style: string): void {
    if (style === this.#style) return;
    this.sequence += style;
    this.#style = style;
  }
}

/** A wide character did not fit in the last column and left it blank. */
function isWideGap(line: IBufferLine, first: IBufferCell, columns: number): boolean {
  const before = line.getCell(columns - 2);
  return first.getWidth() === 2 && before !== undefined && (before.getWidth() === 0 || before.getChars() !== '');
}

function modes(terminal: Terminal): string {
  const { modes: set } = terminal;
  const { coreMouseService, coreService, buffers, _inputHandler: input } = internalsOf(terminal);
  const mouse = { none: '', x10: '\x1b[?9h', vt200: '\x1b[?1000h', drag: '\x1b[?1002h', any: '\x1b[?1003h' };
  const encodings: Readonly<Record<string, string>> = { SGR: '\x1b[?1006h', SGR_PIXELS: '\x1b[?1016h' };
  let sequence = '';
  if (input._windowTitle) sequence += `\x1b]2;${input._windowTitle}\x1b\\`;
  if (set.applicationCursorKeysMode) sequence += '\x1b[?1h';
  if (set.applicationKeypadMode) sequence += '\x1b[?66h';
  if (set.bracketedPasteMode) sequence += '\x1b[?2004h';
  if (set.reverseWraparoundMode) sequence += '\x1b[?45h';
  if (set.sendFocusMode) sequence += '\x1b[?1004h';
  sequence += mouse[set.mouseTrackingMode] + (encodings[coreMouseService.activeEncoding] ?? '');
  const { cursorStyle, cursorBlink } = coreService.decPrivateModes;
  if (cursorStyle !== undefined) {
    sequence += `\x1b[${{ block: 1, underline: 3, bar: 5 }[cursorStyle] + (cursorBlink === true ? 0 : 1)} q`;
  }
  if (coreService.isCursorHidden) sequence += '\x1b[?25l';
  return sequence + scrollRegion(buffers.active, terminal);
}

/** Each buffer has its own; setting it moves the cursor. */
function scrollRegion({ scrollTop, scrollBottom }: InnerBuffer, { rows }: Terminal): string {
  return scrollTop === 0 && scrollBottom === rows - 1 ? '' : `\x1b[${scrollTop + 1};${scrollBottom + 1}r`;
}

/** Last of all: where the cursor and the saved cursor are, what they write like, and the modes that would move them. */
function cursor(terminal: Terminal): string {
  const { buffers, _inputHandler: input } = internalsOf(terminal);
  const { x, y, ybase, scrollTop, savedX, savedY, savedCurAttrData } = buffers.active;
  const { modes: set, cols } = terminal;
  let sequence = '';
  const savedRow = savedY - ybase;
  if ((savedX !== 0 || savedY !== 0) && savedRow >= 0) {
    sequence += `${place(savedX, savedRow, terminal)}${styleSequence(savedCurAttrData)}\x1b7`;
  }
  if (set.wraparoundMode === false) sequence += '\x1b[?7l';
  if (set.originMode) sequence += '\x1b[?6h';
  sequence += place(x, set.originMode ? y - scrollTop : y, terminal);
  if (x >= cols) sequence += lastCell(terminal, y);
  sequence += styleSequence(input._curAttrData);
  return set.insertMode ? `${sequence}\x1b[4h` : sequence;
}

/**
 * Behind the last column, about to wrap, is reached only by writing that column's character again; an erased one becomes
 * a blank, which looks the same.
 */
function lastCell(terminal: Terminal, row: number): string {
  const { active } = terminal.buffer;
  const line = active.getLine(active.baseY + row);
  const cell = line?.getCell(terminal.cols - 1);
  if (cell === undefined) return '';
  if (cell.getWidth() > 0) return styleOf(cell) + (cell.getChars() || ' ');
  const wide = line?.getCell(terminal.cols - 2);
  return wide === undefined ? '' : `\x1b[D${styleOf(wide)}${wide.getChars()}`;
}

function place(x: number, y: number, { cols }: Terminal): string {
  return `\x1b[${y + 1};${Math.min(x, cols - 1) + 1}H`;
}

function styleOf(cell: IBufferCell): string {
  // Its interface tells less than it is: a cell carries the same attributes as the cursor.
  return styleSequence(cell as unknown as Attributes);
}
