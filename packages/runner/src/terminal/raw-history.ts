/**
 * Output that, written to a terminal again, only draws: it is its own screen, and no parser is needed to tell a watcher
 * what the terminal shows. What asks something, rings, touches the clipboard, or changes buffer or scroll region is left
 * to the parser.
 */

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const pieces = [
  // Text, and back, tab, line feed, return.
  '[^\\x00-\\x07\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f]+',
  // CSI that moves, erases, inserts, deletes, scrolls or colours.
  '\\x1b\\[[\\d;:]*[@-HJKLMPSTXZ`abdefm]',
  // Modes of keys, cursor and paste; the plain character set.
  '\\x1b\\[\\?(?:1|12|25|2004)[hl]',
  '\\x1b[=>]',
  '\\x1b\\(B',
  // Titles, the current folder and the marks of a prompt: said again, they say the same.
  '\\x1b\\](?:[012]|7|133);[^\\x00-\\x1f\\x7f-\\x9f]*(?:\\x07|\\x1b\\\\)',
];
const piece = new RegExp(pieces.join('|'), 'y');

/** As text; null: it does more than draw, or does not end where a terminal's parser is at rest. */
export function asDrawing(bytes: Uint8Array): string | null {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return null;
  }
  for (piece.lastIndex = 0; piece.lastIndex < text.length;) if (!piece.test(text)) return null;
  return text;
}
