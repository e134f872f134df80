import { z } from 'zod';

/** Binary data as it is; a Node Buffer is one too. */
export const bytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'binary data expected');

/** Bytes of a text as UTF-8. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}
