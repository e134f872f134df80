/** Where a command of the command line says what it has to say. */

export interface Output {
  /** The result, on standard output. */
  say(line: string): void;
  /** The same without an end of line. */
  write(text: string): void;
  /** What goes on meanwhile, and what is wrong: on standard error. */
  tell(line: string): void;
  /** A person reads the result, not a program. */
  readonly tty: boolean;
}

/** Whole escape sequences: CSI, then strings (titles, links), then all others. In linear time, whatever the text. */
const sequences =
  // eslint-disable-next-line no-control-regex -- these are what it is about
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b[ -/]*[0-~]/g;
/** Control characters, tab and newline among them; separators and marks that reorder what is read. */
const harmful = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/gu;

/** What others wrote, as text that cannot do anything to the terminal it is shown in. Tabs and newlines stay. */
export function plain(text: string): string {
  return text.replace(sequences, '').replace(harmful, (one) => (one === '\n' || one === '\t' ? one : ''));
}

/** The same in one line. */
export function plainLine(text: string, most = 200): string {
  const line = plain(text).replace(/\s+/g, ' ').trim();
  const characters = [...line];
  return characters.length <= most ? line : `${characters.slice(0, most - 1).join('')}…`;
}

/** Columns side by side for a person; else a tab between two, for programs. */
export function table(rows: readonly (readonly string[])[], tty: boolean): string[] {
  if (!tty) return rows.map((row) => row.join('\t'));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
