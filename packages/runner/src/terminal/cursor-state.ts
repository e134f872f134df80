/** Last of a serialized terminal: where the cursor is, what it writes like, and the modes that would move it. */
import type { IBufferCell, IBufferLine, Terminal } from '@xterm/headless';
import { attributesOf, joinStateOf, linkSequence } from './buffer-content.ts';
import { charsetsSequence } from './charset.ts';
import { eraseStyleSequence, isWrittenAs, linkOf, plain, styleSequence } from './style.ts';
import { internalsOf } from './xterm-internals.ts';

export function place(x: number, y: number, { cols }: Terminal): string {
  return `\x1b[${y + 1};${Math.min(x, cols - 1) + 1}H`;
}

/** For a terminal with its saved cursor, no style, no link and plain character sets. */
export function cursorSequence(terminal: Terminal): string {
  const internals = internalsOf(terminal);
  const { buffers, _charsetService: charsets, _inputHandler: input } = internals;
  const { x, y, scrollTop, savedCharset } = buffers.active;
  const { modes: set, cols } = terminal;
  const row = set.originMode ? y - scrollTop : y;
  const choice = charsetsSequence(charsets);
  // Restoring the cursor brings its character set back, and leaves what was chosen since as it is.
  const restored = charsets.charset !== charsets._charsets[charsets.glevel] && charsets.charset === savedCharset;
  let sequence = restored ? `${choice}\x1b8` : '';
  if (set.wraparoundMode === false) sequence += '\x1b[?7l';
  if (set.originMode) sequence += '\x1b[?6h';
  const last = lastPrinted(terminal);
  sequence += place(last?.column ?? x, row, terminal);
  if (last === null && x >= cols) sequence += aboutToWrap(terminal, y);
  if (!restored) sequence += choice;
  sequence += styleSequence(input._curAttrData);
  const link = linkOf(input._curAttrData);
  if (link !== 0) sequence += linkSequence(link, internals);
  if (set.insertMode) {
    // Written again, it makes the room for itself that it took.
    if (last !== null && last.width > 0) sequence += `\x1b[${last.width}P`;
    sequence += '\x1b[4h';
  }
  if (set.synchronizedOutputMode) sequence += '\x1b[?2026h';
  return last === null ? sequence : sequence + last.text;
}

interface Printed {
  readonly column: number;
  readonly width: number;
  readonly text: string;
}

/**
 * The character before the cursor, when nothing has come after it: written again at the very end, what follows may join
 * it (the rest of an emoji) or repeat it.
 */
function lastPrinted(terminal: Terminal): Printed | null {
  const internals = internalsOf(terminal);
  const { x, y } = internals.buffers.active;
  const { precedingJoinState: state } = internals._inputHandler._parser;
  if (state === 0 || x > terminal.cols) return null;
  const found = characterBefore(lineAt(terminal, y), x);
  if (found === null) return null;
  const text = found.cell.getChars();
  // Else the last one found no room (a wide one, without wraparound).
  const isLast =
    widthOf(joinStateOf(text, internals)) === widthOf(state) &&
    isWrittenAs(attributesOf(found.cell), internals._inputHandler._curAttrData);
  return isLast ? { column: found.column, width: found.cell.getWidth(), text } : null;
}

function widthOf(joinState: number): number {
  return (joinState >>> 1) & 3;
}

/**
 * Behind the last column is reached only by writing that column's character again. What erases without moving the cursor
 * leaves a blank line there; only where scrolling has put another line under the cursor, and it ends with an erased cell,
 * that one becomes a blank, which looks the same.
 */
function aboutToWrap(terminal: Terminal, y: number): string {
  const { cols } = terminal;
  const line = lineAt(terminal, y);
  const internals = internalsOf(terminal);
  const found = characterBefore(line, cols);
  // Characters without width go on behind the margin.
  const further = `${plain}\u0301`.repeat(internals.buffers.active.x - cols);
  if (found !== null) {
    const attributes = attributesOf(found.cell);
    const link = linkOf(attributes);
    const text =
      link === 0 ? found.cell.getChars() : `${linkSequence(link, internals)}${found.cell.getChars()}\x1b]8;;\x1b\\`;
    const back = cols - 1 - found.column;
    return `${back === 0 ? '' : `\x1b[${back}D`}${styleSequence(attributes)}${text}${further}`;
  }
  const style = blankStyle(line, cols);
  const cell = line?.getCell(cols - 1);
  if (style !== null) return `${plain} ${style}\x1b[1K${further}`;
  return `${cell === undefined ? plain : styleSequence(attributesOf(cell))} ${further}`;
}

/** That ends at this column. */
function characterBefore(line: IBufferLine | undefined, end: number): { cell: IBufferCell; column: number } | null {
  const cell = line?.getCell(end - 1);
  if (cell === undefined || cell.getChars() !== '') return cell === undefined ? null : { cell, column: end - 1 };
  const wide = cell.getWidth() === 0 ? line?.getCell(end - 2) : undefined;
  return wide?.getWidth() === 2 ? { cell: wide, column: end - 2 } : null;
}

/** Of a line that was erased as a whole. */
function blankStyle(line: IBufferLine | undefined, columns: number): string | null {
  let style: string | null = null;
  for (let column = 0; column < columns; column += 1) {
    const cell = line?.getCell(column);
    if (cell === undefined || cell.getChars() !== '') return null;
    const erased = eraseStyleSequence(attributesOf(cell));
    if (styleSequence(attributesOf(cell)) !== erased || (style ?? erased) !== erased) return null;
    style = erased;
  }
  return style;
}

function lineAt(terminal: Terminal, row: number): IBufferLine | undefined {
  const { active } = terminal.buffer;
  return active.getLine(active.baseY + row);
}
