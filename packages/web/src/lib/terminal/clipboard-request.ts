/**
 * OSC 52, by which a program puts text on the clipboard of whoever watches. What it may do is decided by the person; that
 * a program reads the clipboard is never allowed.
 */

/** Bytes. */
const limit = 1024 * 1024;

/** payload: what follows "52;". null: it asks for the clipboard, clears it, or is not valid. */
export function clipboardRequest(payload: string): string | null {
  const [, data] = /^[cpqs0-7]*;([A-Za-z0-9+/]+=*)$/.exec(payload) ?? [];
  if (data === undefined || data.length > (limit * 4) / 3) return null;
  try {
    const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
