/** What shells tell in their output: FinalTerm's marks (OSC 133) and those of VS Code (OSC 633). */

export type ShellMark =
  | { readonly type: 'prompt' }
  | { readonly type: 'line'; readonly text: string }
  | { readonly type: 'output' }
  /** null: the shell does not say how it ended. */
  | { readonly type: 'end'; readonly exitCode: number | null };

/** Characters of a command's line that are kept. */
const lineLimit = 4096;

/** null: a mark nobody here needs. */
export function shellMark(payload: string): ShellMark | null {
  const [kind = '', value = ''] = payload.split(';', 2);
  switch (kind) {
    case 'A':
      return { type: 'prompt' };
    case 'C':
      return { type: 'output' };
    case 'D':
      return { type: 'end', exitCode: /^\d{1,10}$/.test(value) ? Number(value) : null };
    case 'E':
      return { type: 'line', text: unescaped(value.slice(0, 4 * lineLimit)).slice(0, lineLimit) };
    default:
      return null;
  }
}

/** \\ is a backslash, \xNN the character of that number. */
function unescaped(text: string): string {
  return text.replaceAll(/\\(?:\\|x([0-9a-fA-F]{2}))/g, (_, code: string | undefined) =>
    code === undefined ? '\\' : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
