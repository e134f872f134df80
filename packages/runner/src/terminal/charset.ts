/** Character sets as the escape sequences that choose them. xterm keeps them without their names. */
import headless from '@xterm/headless';
import { internalsOf } from './xterm-internals.ts';
import type { Charset, Internals } from './xterm-internals.ts';

/** DEC special graphics and the national sets that xterm has. */
const finals = ['0', 'A', '4', '5', 'R', 'Q', 'K', 'Y', '6', 'Z', '7', '='];
const designators = ['(', ')', '*', '+'];
const shifts = ['\x0f', '\x0e', '\x1bn', '\x1bo'];

let names: ReadonlyMap<Charset, string> | null = null;

/** Chooses `charset`, of a terminal that has chosen none; plain text chooses none. */
export function charsetSequence(charset: Charset): string {
  return charset === undefined ? '' : `\x1b(${nameOf(charset)}`;
}

/** All four sets and which of them is in use. */
export function charsetsSequence({ _charsets: sets, glevel }: Internals['_charsetService']): string {
  let sequence = '';
  for (const [level, designator] of designators.entries()) {
    const charset = sets[level];
    if (charset !== undefined) sequence += `\x1b${designator}${nameOf(charset)}`;
  }
  return glevel === 0 ? sequence : sequence + (shifts[glevel] ?? '');
}

function nameOf(charset: Charset): string {
  names ??= readNames();
  return names.get(charset) ?? 'B';
}

/** Every terminal of this process shares the same sets. */
function readNames(): ReadonlyMap<Charset, string> {
  const terminal = new headless.Terminal({ cols: 2, rows: 1, scrollback: 0, allowProposedApi: true });
  const { _inputHandler: input, _charsetService: service } = internalsOf(terminal);
  const found = new Map<Charset, string>();
  for (const final of finals) {
    input.selectCharset(`(${final}`);
    found.set(service.charset, final);
  }
  terminal.dispose();
  return found;
}
