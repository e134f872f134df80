/**
 * A long block of plain text leaves nothing on a terminal but its last lines: the rest need not be parsed. Exact, not
 * an estimate: valid while the block holds no ESC, SO, SI and no C1 control, the normal buffer is shown and its scroll
 * region is the whole screen.
 */

const LF = 0x0a;
/** Below this the search costs more than it saves. Bytes. */
const worthwhile = 64 * 1024;

/**
 * Where to begin to parse `block`: 0, or after a line end followed by enough lines to push out of screen and
 * scrollback all that was there before, wherever the cursor was.
 */
export function skipPlainText(block: Uint8Array, rows: number, scrollback: number): number {
  return block.length < worthwhile || !isPlainText(block) ? 0 : lastLines(block, rows, scrollback);
}

/** The same for the end of a text that is known to be plain. */
export function lastLines(text: Uint8Array, rows: number, scrollback: number): number {
  // From the top row it takes a screen of line ends to scroll at all; then screen and scrollback must go.
  const needed = 2 * rows + scrollback + 1;
  let at = text.length;
  for (let lines = 0; lines < needed; lines += 1) {
    if (at === 0) return 0;
    at = text.lastIndexOf(LF, at - 1);
    if (at === -1) return 0;
  }
  // A line end alone keeps the column: only after CR LF is it known.
  while (at > 0 && text[at - 1] !== 0x0d) {
    at = text.lastIndexOf(LF, at - 1);
    if (at === -1) return 0;
  }
  return at === 0 ? 0 : at + 1;
}

/** Also of a part of a stream: what may become a control with the next byte is none. */
export function isPlainText(text: Uint8Array): boolean {
  if (text.includes(0x1b) || text.includes(0x0e) || text.includes(0x0f)) return false;
  // U+0080 to U+009F travel as C2 80 to C2 9F.
  for (let at = text.indexOf(0xc2); at !== -1; at = text.indexOf(0xc2, at + 1)) {
    const next = text[at + 1];
    if (next === undefined || next < 0xa0) return false;
  }
  return true;
}
