/** What a tool call is about, as far as its input says so and nothing else could hide in it. */
import { limits } from '@holdfast/protocol/limits.ts';
import { normalPath } from './normal-path.ts';

export interface ToolCall {
  readonly tool: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** The workspace's folder: where relative paths begin. */
  readonly cwd: string;
}

export type CallSubject =
  | { readonly kind: 'command'; readonly command: string }
  /** Absolute, normalised. */
  | { readonly kind: 'file'; readonly path: string }
  /** With the port, where it is not the usual one. */
  | { readonly kind: 'address'; readonly host: string }
  /** It names no command, file or address. */
  | { readonly kind: 'none' };

const besidesCommand = ['command', 'description', 'timeout', 'run_in_background'];
const pathMembers = ['file_path', 'notebook_path', 'path'];
const besidesPath = [
  ...pathMembers,
  ...['content', 'old_string', 'new_string', 'replace_all', 'edits'],
  ...['cell_id', 'cell_type', 'new_source', 'edit_mode', 'offset', 'limit', 'pages'],
];
const besidesUrl = ['url', 'prompt', 'format', 'timeout'];

/** null: it cannot be told for certain, so no rule may be about it. */
export function subjectOf({ input, cwd }: ToolCall): CallSubject | null {
  const members = Object.keys(input);
  const only = (known: readonly string[]): boolean => members.every((member) => known.includes(member));
  if ('command' in input) {
    const { command } = input;
    // A longer one may have been cut on the way here, and then another could look the same.
    const isWhole = typeof command === 'string' && command.length <= limits.ruleText;
    return isWhole && command.trim() !== '' && only(besidesCommand) ? { kind: 'command', command } : null;
  }
  const paths = pathMembers.filter((member) => member in input);
  if (paths.length > 0) {
    const path = input[paths[0] ?? ''];
    const normal = typeof path === 'string' && paths.length === 1 && only(besidesPath) ? normalPath(path, cwd) : null;
    return normal === null ? null : { kind: 'file', path: normal };
  }
  if ('url' in input) {
    const host = only(besidesUrl) ? hostOf(input['url']) : null;
    return host === null ? null : { kind: 'address', host };
  }
  return { kind: 'none' };
}

/** No user, no odd signs: what could be read in two ways is no address for a rule. */
const plainAddress = /^(https?):\/\/([a-z0-9.-]+)(?::(\d{1,5}))?(?:[/?#][^\s\p{C}\\]*)?$/iu;

function hostOf(url: unknown): string | null {
  const [, scheme = '', name, port] = (typeof url === 'string' ? plainAddress.exec(url) : null) ?? [];
  if (name === undefined) return null;
  const usual = scheme.toLowerCase() === 'https' ? '443' : '80';
  return port === undefined || port === usual ? name.toLowerCase() : `${name.toLowerCase()}:${port}`;
}
