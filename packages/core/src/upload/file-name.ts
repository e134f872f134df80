import { utf8Length } from '@holdfast/protocol/bytes.ts';
import { limits } from '@holdfast/protocol/limits.ts';

/**
 * The name a file gets on its machine: the last part of what was given, without what could lead to another place
 * (separators, leading dots), break a line, or show as something else than it is (control characters, bidi and
 * invisible ones, half characters), in at most 255 bytes with its ending kept. Given again, the name stays the same.
 */
export function safeFileName(given: string): string {
  const last =
    given
      .normalize('NFC')
      .split(/[/\\]/)
      .findLast((part) => part.trim() !== '') ?? '';
  const visible = last.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '');
  const trimmed = visible.replace(/^[.\s]+|[.\s]+$/g, '');
  return trimmed === '' ? 'file' : shortened(trimmed);
}

function shortened(name: string): string {
  if (utf8Length(name) <= limits.fileName) return name;
  const ending = /\.[A-Za-z0-9]{1,16}$/.exec(name)?.[0] ?? '';
  const stem = name.slice(0, name.length - ending.length);
  return `${cut(stem, limits.fileName - ending.length).replace(/[.\s]+$/, '')}${ending}`;
}

/** At most so many bytes, ending with a whole character. */
function cut(text: string, bytes: number): string {
  let left = bytes;
  let kept = '';
  for (const character of text) {
    left -= utf8Length(character);
    if (left < 0) break;
    kept += character;
  }
  return kept;
}
