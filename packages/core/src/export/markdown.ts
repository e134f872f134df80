/** Foreign text inside a Markdown document, so that it can neither end the block it stands in nor begin another. */

/** Verbatim, in a fence longer than any run of backticks inside. info: what it is written in. Ends with a newline. */
export function fenced(text: string, info = 'text'): string {
  const body = visible(text).replace(/\n+$/, '');
  const fence = '`'.repeat(Math.max(3, longestRun(body) + 1));
  return `${fence}${info}\n${body}\n${fence}\n`;
}

/** As code within a line; line breaks become spaces. */
export function inlineCode(text: string): string {
  const body = oneLine(text);
  if (body === '') return '';
  const fence = '`'.repeat(longestRun(body) + 1);
  // A backtick at either end would join the fence.
  const pad = /^`|`$/.test(body) ? ' ' : '';
  return `${fence}${pad}${body}${pad}${fence}`;
}

/** As words within a line, which must not begin it: no mark-up, link, tag or entity of its own. */
export function plain(text: string): string {
  // Of addresses, which become links by themselves: what makes them one.
  return oneLine(text).replace(/[\\`*_[\]<>&~|$#!:@]|(?<=www)\./gi, '\\$&');
}

const longestRun = (text: string): number =>
  (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);

const oneLine = (text: string): string => visible(text).replace(/\s+/g, ' ').trim();

/** Line ends as newlines, and control characters as their pictures: an escape sequence is read, not obeyed. */
const visible = (text: string): string =>
  text
    .replace(/\r\n?/g, '\n')
    // eslint-disable-next-line no-control-regex -- these are what it is about
    .replace(/[\u0000-\u0008\u000b-\u001f]/g, (character) => String.fromCharCode(0x2400 + character.charCodeAt(0)))
    .replace(/[\u007f-\u009f]/g, '␡');
