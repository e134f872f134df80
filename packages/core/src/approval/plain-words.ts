/**
 * The words of a shell command that is nothing but one plain command, or null. Whatever could make the shell do more
 * (another command, a substitution, a redirection, a variable, a pattern, an escape, a line end) makes it null: what is
 * let through is listed, not what is kept out. Quoted words keep their quotes.
 */
export function plainWords(command: string): string[] | null {
  const words: string[] = [];
  let at = 0;
  while (at < command.length) {
    separator.lastIndex = at;
    at += separator.exec(command)?.[0].length ?? 0;
    if (at === command.length) break;
    if (words.length > 0 && command[at - 1] !== ' ') return null;
    word.lastIndex = at;
    const found = word.exec(command)?.[0];
    if (found === undefined) return null;
    words.push(found);
    at += found.length;
  }
  return words.length === 0 ? null : words;
}

const separator = / */y;
/**
 * Letters, digits and signs without a meaning to the shell; in quotes whatever stays as it is: nothing in single ones,
 * and in double ones all but $ ` \ !. Never a control or invisible character.
 */
const word = /(?:[\p{L}\p{N}_./:@%+,-][\p{L}\p{N}_./:@%+,=-]*|'[^'\p{C}]*'|"[^"$`\\!\p{C}]*")+/uy;

/** A word that needs no quotes: what a prefix is made of. */
export const isBareWord = (text: string): boolean => /^[\p{L}\p{N}_./:@%+,-][\p{L}\p{N}_./:@%+,=-]*$/u.test(text);
