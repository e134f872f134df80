/** What a person typed to the demo agent → what it does. Pure. */
export type DemoCommand =
  | { readonly name: 'help' | 'ask' | 'plan' | 'think' | 'history' | 'hello' }
  | { readonly name: 'ls'; readonly path: string }
  | { readonly name: 'read'; readonly path: string }
  | { readonly name: 'write'; readonly path: string; readonly text: string }
  | { readonly name: 'run'; readonly command: string }
  | { readonly name: 'stream'; readonly words: number }
  /** A known command with something missing; `usage` shows how it is meant. */
  | { readonly name: 'misused'; readonly usage: string };

export const mostWords = 5_000;

export const commandList = [
  ['ls [FOLDER]', 'list a folder'],
  ['read FILE', 'show a file'],
  ['write FILE TEXT…', 'write a file; asks you first and shows the change'],
  ['run COMMAND', 'run a shell command; asks you first'],
  ['ask', 'ask you a question'],
  ['plan', 'work through a short plan'],
  ['think', 'think aloud, then answer'],
  ['stream N', 'stream N words at a steady pace; try Stop, or reload the page'],
  ['history', 'say what I remember of this conversation'],
  ['help', 'this list'],
] as const;

export function parseDemoCommand(text: string): DemoCommand {
  const trimmed = text.trim();
  const [, word = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(trimmed) ?? [];
  switch (word.toLowerCase()) {
    case 'help':
    case 'ask':
    case 'plan':
    case 'think':
    case 'history':
      return { name: word.toLowerCase() as 'help' };
    case 'ls':
      return { name: 'ls', path: rest === '' ? '.' : rest };
    case 'read':
      return rest === '' ? { name: 'misused', usage: 'read FILE' } : { name: 'read', path: rest };
    case 'write': {
      const [, path, content] = /^(\S+)\s+([\s\S]+)$/.exec(rest) ?? [];
      if (path === undefined || content === undefined) return { name: 'misused', usage: 'write FILE TEXT…' };
      return { name: 'write', path, text: content.endsWith('\n') ? content : `${content}\n` };
    }
    case 'run':
      return rest === '' ? { name: 'misused', usage: 'run COMMAND' } : { name: 'run', command: rest };
    case 'stream': {
      const words = rest === '' ? 100 : Number(rest);
      if (!Number.isInteger(words) || words < 1) return { name: 'misused', usage: 'stream N' };
      return { name: 'stream', words: Math.min(words, mostWords) };
    }
    default:
      return { name: 'hello' };
  }
}
