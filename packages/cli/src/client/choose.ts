/** What a person means by a few letters. Pure. */
import { fail, ok, type Result } from '@holdfast/protocol/error.ts';

export interface Choosable {
  readonly id: string;
  readonly title: string;
}

const shown = 5;

/** noun: "session". The whole id, else the beginning of one or a whole title, if only one fits. */
export function choose<T extends Choosable>(all: readonly T[], text: string, noun: string): Result<T> {
  const exact = all.find(({ id }) => id === text);
  if (exact !== undefined) return ok(exact);
  const fits = all.filter(({ id, title }) => (text !== '' && id.startsWith(text)) || title === text);
  const [first, second] = fits;
  if (first === undefined) return fail('not_found', `There is no ${noun} "${text}".`);
  if (second === undefined) return ok(first);
  const list = fits.slice(0, shown).map(({ id, title }) => `\n  ${id}  ${title}`);
  const more = fits.length > shown ? `\n  and ${fits.length - shown} more` : '';
  return fail('bad_request', `"${text}" could be ${fits.length} ${noun}s; say which:${list.join('')}${more}`);
}

/** Made by the server: nobody has to be asked what it means. */
export const isWholeId = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);

/** As many characters as tell all of them apart, and at least eight. */
export function shortIds(ids: readonly string[]): (id: string) => string {
  let length = 8;
  while (length < 64 && new Set(ids.map((id) => id.slice(0, length))).size < new Set(ids).size) length += 1;
  return (id) => id.slice(0, length);
}
