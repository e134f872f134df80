/**
 * A terminal's whole state as the escape sequences that make it again in an empty terminal of the same size. By hand,
 * because the screen after a re-attach must be that of one who never left (TERM3), which xterm's own serializer does
 * not keep to: it leaves out scroll region, title, saved cursor, mouse encoding and cursor shape, and writes stray
 * characters at some wrapped lines.
 */
import type { Terminal } from '@xterm/headless';
import { bufferContent } from './buffer-content.ts';
import { charsetSequence } from './charset.ts';
import { cursorSequence, place } from './cursor-state.ts';
import { styleSequence } from './style.ts';
import { internalsOf } from './xterm-internals.ts';
import type { InnerBuffer } from './xterm-internals.ts';

export function serialize(terminal: Terminal, scrollback: number): string {
  const { buffers } = internalsOf(terminal);
  const { normal, alternate, active } = terminal.buffer;
  let sequence = '';
  const isAlternate = active.type === 'alternate';
  // The alternate screen's saved cursor outlives it.
  if (!isAlternate && isSaved(buffers.alt)) sequence += `\x1b[?47h${savedCursor(buffers.alt, terminal)}\x1b[?47l\x1b[H`;
  sequence += bufferContent(normal, terminal, scrollback) + tabStops(buffers.normal, terminal);
  if (isAlternate) {
    sequence += scrollRegion(buffers.normal, terminal);
    // Switching saves the cursor; where it stood is where the program will find it again. It fills with the background.
    sequence += savedCursor(buffers.normal, terminal, '\x1b[?1049h') + '\x1b[H\x1b[2J';
    sequence += bufferContent(alternate, terminal, 0) + tabStops(buffers.alt, terminal);
  }
  sequence += modes(terminal) + scrollRegion(buffers.active, terminal);
  if (isSaved(buffers.active)) sequence += savedCursor(buffers.active, terminal);
  return sequence + cursorSequence(terminal);
}

/** Unlike that of an empty terminal. */
function isSaved({ savedX, savedY, savedCurAttrData, savedCharset }: InnerBuffer): boolean {
  const { fg, bg } = savedCurAttrData;
  return savedX !== 0 || savedY !== 0 || fg !== 0 || bg !== 0 || savedCharset !== undefined;
}

/** Leaves style and character set plain. */
function savedCursor(buffer: InnerBuffer, terminal: Terminal, save = '\x1b7'): string {
  const { savedX, savedY, ybase, savedCurAttrData, savedCharset } = buffer;
  const where = place(savedX, Math.max(0, savedY - ybase), terminal);
  const charset = charsetSequence(savedCharset);
  const sequence = `${where}${styleSequence(savedCurAttrData)}${charset}${save}\x1b[m`;
  return charset === '' ? sequence : `${sequence}\x1b(B`;
}

/** Each buffer has its own; every eighth column is what there is from the beginning. Moves the cursor. */
function tabStops({ tabs }: InnerBuffer, { cols }: Terminal): string {
  const columns = Array.from({ length: cols }, (_, column) => column);
  if (columns.every((column) => (tabs[column] === true) === (column % 8 === 0))) return '';
  const stops = columns.filter((column) => tabs[column] === true).map((column) => `\x1b[${column + 1}G\x1bH`);
  return `\x1b[3g${stops.join('')}`;
}

/** Each buffer has its own; setting it moves the cursor. */
function scrollRegion({ scrollTop, scrollBottom }: InnerBuffer, { rows }: Terminal): string {
  return scrollTop === 0 && scrollBottom === rows - 1 ? '' : `\x1b[${scrollTop + 1};${scrollBottom + 1}r`;
}

function modes(terminal: Terminal): string {
  const { modes: set, options } = terminal;
  const { coreMouseService, coreService } = internalsOf(terminal);
  const mouse = { none: '', x10: '\x1b[?9h', vt200: '\x1b[?1000h', drag: '\x1b[?1002h', any: '\x1b[?1003h' };
  const encodings: Readonly<Record<string, string>> = { SGR: '\x1b[?1006h', SGR_PIXELS: '\x1b[?1016h' };
  let sequence = titles(terminal);
  if (set.applicationCursorKeysMode) sequence += '\x1b[?1h';
  if (set.applicationKeypadMode) sequence += '\x1b[?66h';
  if (set.bracketedPasteMode) sequence += '\x1b[?2004h';
  if (set.reverseWraparoundMode) sequence += '\x1b[?45h';
  if (set.sendFocusMode) sequence += '\x1b[?1004h';
  if (options.convertEol === true) sequence += '\x1b[20h';
  // Neither, in a model, until the program says one.
  if (typeof options.cursorBlink === 'boolean') sequence += options.cursorBlink ? '\x1b[?12h' : '\x1b[?12l';
  sequence += mouse[set.mouseTrackingMode] + (encodings[coreMouseService.activeEncoding] ?? '');
  const { cursorStyle, cursorBlink } = coreService.decPrivateModes;
  if (cursorStyle !== undefined) {
    sequence += `\x1b[${{ block: 1, underline: 3, bar: 5 }[cursorStyle] + (cursorBlink === true ? 0 : 1)} q`;
  }
  return coreService.isCursorHidden ? `${sequence}\x1b[?25l` : sequence;
}

function titles(terminal: Terminal): string {
  const { _windowTitle: title, _iconName: icon } = internalsOf(terminal)._inputHandler;
  if (title === icon) return title === '' ? '' : `\x1b]0;${title}\x1b\\`;
  return (title === '' ? '' : `\x1b]2;${title}\x1b\\`) + (icon === '' ? '' : `\x1b]1;${icon}\x1b\\`);
}
