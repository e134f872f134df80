/** The lines of a buffer as text and escape sequences, for an empty terminal whose cursor is at the top left. */
import type { IBuffer, IBufferCell, IBufferLine, Terminal } from '@xterm/headless';
import { eraseStyleSequence, linkOf, plain, styleSequence } from './style.ts';
import type { Attributes } from './style.ts';
import { internalsOf } from './xterm-internals.ts';
import type { Internals } from './xterm-internals.ts';

/** Its interface tells less than it is: a cell carries the same attributes as the cursor. */
export function attributesOf(cell: IBufferCell): Attributes {
  return cell as unknown as Attributes;
}

export function linkSequence(id: number, internals: Internals): string {
  const link = internals._oscLinkService.getLinkData(id);
  if (link === undefined) return '\x1b]8;;\x1b\\';
  return `\x1b]8;${link.id === undefined ? '' : `id=${link.id}`};${link.uri}\x1b\\`;
}

/** What a next character may join, after this text at the beginning of a character. */
export function joinStateOf(text: string, internals: Internals): number {
  let state = 0;
  for (const character of text) {
    state = internals.unicodeService.charProperties(character.codePointAt(0) ?? 0, state);
  }
  return state;
}

/** Lines from `scrollback` above the screen to its bottom. */
export function bufferContent(buffer: IBuffer, terminal: Terminal, scrollback: number): string {
  const writer = new LineWriter(terminal);
  const end = buffer.baseY + terminal.rows;
  for (let row = Math.max(0, buffer.baseY - scrollback); row < end; row += 1) {
    const line = buffer.getLine(row);
    if (line !== undefined) writer.line(line, row + 1 < end ? buffer.getLine(row + 1) : undefined);
  }
  return writer.end();
}

class LineWriter {
  readonly #columns: number;
  readonly #rows: number;
  readonly #internals: Internals;
  #sequence = '';
  #style = plain;
  #link = 0;
  /** Of the last character written, when nothing came between. */
  #before = '';
  /** Lines written. */
  #row = 0;
  /** Blank cells of the line that are behind the cursor's place. */
  #blanks = 0;
  /** Blank cells behind those, of the style in use. */
  #toErase = 0;
  /** What the cells of a line look like before they are written: a line that comes at the bottom may have a colour. */
  #fill = plain;

  constructor(terminal: Terminal) {
    this.#columns = terminal.cols;
    this.#rows = terminal.rows;
    this.#internals = internalsOf(terminal);
  }

  end(): string {
    this.#useLink(0);
    return `${this.#sequence}\x1b[m`;
  }

  /** Ends at the beginning of the next line, if there is one. */
  line(line: IBufferLine, next: IBufferLine | undefined): void {
    this.#blanks = 0;
    for (let column = 0; column < this.#columns; column += 1) {
      const cell = line.getCell(column);
      if (cell !== undefined) this.#cell(cell, column, line, next);
    }
    this.#erase();
    this.#row += 1;
    if (next !== undefined) this.#goOn(line, next);
  }

  #cell(cell: IBufferCell, column: number, line: IBufferLine, next: IBufferLine | undefined): void {
    const text = cell.getChars();
    if (text !== '') {
      // Half of a wide character is left where a terminal was made narrower.
      const half = cell.getWidth() === 2 && column === this.#columns - 1;
      this.#text(half ? ' ' : text, attributesOf(cell));
      return;
    }
    if (cell.getWidth() === 0 && column > 0 && line.getCell(column - 1)?.getWidth() === 2) return;
    const attributes = attributesOf(cell);
    const blank = eraseStyleSequence(attributes);
    if (styleSequence(attributes) === blank) {
      this.#blank(blank);
      return;
    }
    this.#erase();
    if (column === this.#columns - 1 && isGap(cell, next)) this.#blanks += 1;
    else this.#remains(attributes, column, line);
  }

  #text(text: string, attributes: Attributes): void {
    this.#skipBlanks();
    this.#use(styleSequence(attributes));
    this.#useLink(linkOf(attributes));
    if (this.#joins(text)) this.#put(this.#style);
    this.#sequence += text;
    this.#before = text;
  }

  #blank(style: string): void {
    if (this.#toErase > 0 && style === this.#style) {
      this.#toErase += 1;
      return;
    }
    this.#erase();
    if (style === this.#fill) {
      this.#blanks += 1;
      return;
    }
    this.#skipBlanks();
    this.#use(style);
    this.#toErase = 1;
  }

  #erase(): void {
    if (this.#toErase === 0) return;
    this.#put(`\x1b[${this.#toErase}X`);
    this.#blanks += this.#toErase;
    this.#toErase = 0;
  }

  /** What is left of a wide character with half of it overwritten: blank, in the style of what did that. */
  #remains(attributes: Attributes, column: number, line: IBufferLine): void {
    const style = styleSequence(attributes);
    this.#blanks = 0;
    if (column + 1 < this.#columns) {
      this.#column(column);
      this.#use(style);
      this.#put('\u3000');
      this.#column(column + 1);
      this.#put(' ');
      this.#column(column + 1);
      this.#use(this.#fill);
      this.#put('\x1b[X');
      return;
    }
    this.#column(column - 1);
    this.#use(style);
    this.#put('\u3000');
    this.#column(column - 1);
    this.#put(' ');
    const start = line.getCell(column - 1)?.getWidth() === 0 ? column - 2 : column - 1;
    const before = line.getCell(start);
    if (before === undefined) return;
    this.#column(start);
    if (before.getChars() !== '') {
      this.#text(before.getChars(), attributesOf(before));
      return;
    }
    this.#use(eraseStyleSequence(attributesOf(before)));
    this.#put('\x1b[X');
  }

  /** To the next line: as a line of its own, or as one that this line goes on in. */
  #goOn(line: IBufferLine, next: IBufferLine): void {
    const scrolls = this.#row >= this.#rows;
    const last = line.getCell(this.#columns - 1);
    const first = next.getCell(0);
    this.#fill = plain;
    if (!next.isWrapped || last === undefined || first === undefined) {
      this.#use(plain);
      this.#put('\r\n');
      return;
    }
    const full = last.getWidth() === 0 || last.getChars() !== '';
    const starts = first.getChars() !== '' && first.getWidth() > 0;
    if (starts && (full || isGap(last, next))) {
      // Its next character wraps by itself, and a new line at the bottom takes the background along.
      this.#skipBlanks();
      if (scrolls) this.#fill = eraseStyleSequence(attributesOf(first));
      return;
    }
    this.#blanks = 0;
    this.#useLink(0);
    this.#use(plain);
    if (full) {
      this.#put(`${plain}x\r\x1b[X`);
    } else if (this.#rows === 1) {
      this.#put('\r\n');
    } else {
      this.#column(this.#columns - 1);
      this.#put('xx\x1b[A');
      this.#column(this.#columns - 1);
      this.#use(eraseStyleSequence(attributesOf(last)));
      this.#put('\x1b[X\x1b[B\r');
      this.#use(plain);
      this.#put('\x1b[X');
    }
  }

  #skipBlanks(): void {
    this.#erase();
    if (this.#blanks > 0) this.#put(`\x1b[${this.#blanks}C`);
    this.#blanks = 0;
  }

  #column(column: number): void {
    this.#put(`\x1b[${column + 1}G`);
  }

  /** Written one after the other, they would become one character. */
  #joins(text: string): boolean {
    if (this.#before === '' || ((text.codePointAt(0) ?? 0) < 0xa9 && this.#before < '\u0300')) return false;
    const state = joinStateOf(this.#before, this.#internals);
    return (this.#internals.unicodeService.charProperties(text.codePointAt(0) ?? 0, state) & 1) === 1;
  }

  #use(style: string): void {
    if (style === this.#style) return;
    this.#put(style);
    this.#style = style;
  }

  #useLink(link: number): void {
    if (link === this.#link) return;
    this.#put(linkSequence(link, this.#internals));
    this.#link = link;
  }

  #put(sequence: string): void {
    this.#sequence += sequence;
    this.#before = '';
  }
}

/** A wide character did not fit in the last column and left it blank, in its own style. */
function isGap(last: IBufferCell, next: IBufferLine | undefined): boolean {
  const first = next?.isWrapped === true ? next.getCell(0) : undefined;
  if (first?.getWidth() !== 2 || last.getChars() !== '' || last.getWidth() === 0) return false;
  return styleSequence(attributesOf(first)) === styleSequence(attributesOf(last));
}
