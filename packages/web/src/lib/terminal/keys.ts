/** The key row of a phone: what each key sends, with the modifiers that stick to it. */

export interface Modifiers {
  readonly control: boolean;
  readonly alt: boolean;
}

export const noModifiers: Modifiers = { control: false, alt: false };

export type RowKey = 'escape' | 'tab' | 'up' | 'down' | 'left' | 'right' | 'pipe' | 'tilde' | 'slash' | 'minus';

const arrows: Partial<Record<RowKey, string>> = { up: 'A', down: 'B', right: 'C', left: 'D' };
const characters: Partial<Record<RowKey, string>> = { tab: '\t', pipe: '|', tilde: '~', slash: '/', minus: '-' };

/** applicationCursor: the program has asked for the other form of the arrows (DECCKM). */
export function rowKeySequence(key: RowKey, modifiers: Modifiers, applicationCursor: boolean): string {
  const arrow = arrows[key];
  if (arrow !== undefined) {
    const code = 1 + (modifiers.alt ? 2 : 0) + (modifiers.control ? 4 : 0);
    if (code > 1) return `\x1b[1;${code}${arrow}`;
    return `\x1b${applicationCursor ? 'O' : '['}${arrow}`;
  }
  if (key === 'escape') return modifiers.alt ? '\x1b\x1b' : '\x1b';
  return withModifiers(characters[key] ?? '', modifiers);
}

/** What was typed on the soft keyboard while modifiers stick: they change its first character. */
export function withModifiers(typed: string, modifiers: Modifiers): string {
  if (typed === '' || (!modifiers.control && !modifiers.alt)) return typed;
  const [first = '', ...rest] = typed;
  const changed = modifiers.control ? controlCharacter(first) : first;
  return (modifiers.alt ? '\x1b' : '') + changed + rest.join('');
}

function controlCharacter(character: string): string {
  const upper = character.toUpperCase();
  if (upper.length === 1 && upper >= '@' && upper <= '_') return String.fromCharCode(upper.charCodeAt(0) - 64);
  const others: Record<string, string> = {
    ' ': '\0',
    '2': '\0',
    '/': '\x1f',
    '-': '\x1f',
    '~': '\x1e',
    '|': '\x1c',
    '?': '\x7f',
  };
  return others[character] ?? character;
}
