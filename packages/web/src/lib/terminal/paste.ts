/** Text that is pasted into a terminal: what a program gets of it, and whether the person should look at it first. */

const start = '\x1b[200~';
const end = '\x1b[201~';
/** Characters in one write. Small beside what may be kept un-acknowledged. */
const pieceLength = 32 * 1024;

/** As typed: a line ends with Enter. What would end a bracketed paste early is left out. */
function typed(text: string): string {
  return text.replaceAll(/\r?\n/g, '\r').replaceAll(end, '');
}

/** bracketed: the program asked to be told what is pasted. Else it takes each line as entered. */
export function runsAtOnce(text: string, bracketed: boolean): boolean {
  return !bracketed && /[\r\n]/.test(text.replace(/\r?\n$/, ''));
}

/** Never splits a character. */
export function pastePieces(text: string, bracketed: boolean): string[] {
  const body = typed(text);
  const pieces: string[] = [];
  for (let from = 0; from < body.length;) {
    let to = Math.min(from + pieceLength, body.length);
    const last = body.charCodeAt(to - 1);
    if (to < body.length && last >= 0xd800 && last < 0xdc00) to -= 1;
    pieces.push(body.slice(from, to));
    from = to;
  }
  return bracketed ? [start, ...pieces, end] : pieces;
}

/** What is still to be sent when a paste is given up: its end, if it had a beginning. */
export function pasteRest(bracketed: boolean): string[] {
  return bracketed ? [end] : [];
}
