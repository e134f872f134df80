/** Names for files that people save: what a title may hold must harm no file system and no header. */

const longest = 60;

/** Letters and digits of any script, the rest as hyphens; never empty; the id keeps two of one title apart. */
export function fileNameOf(title: string, id: string): string {
  const words = title
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replace(/^-+/, '');
  const short = Array.from(words).slice(0, longest).join('').replace(/-+$/, '').toLowerCase();
  return `holdfast-${short === '' ? 'session' : short}-${id.slice(0, 8)}`;
}

/** A Content-Disposition for a name of fileNameOf and an ending: RFC 6266, with a plain name for old readers. */
export function contentDisposition(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]/g, '_');
  return ascii === name
    ? `attachment; filename="${name}"`
    : `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(name)}`;
}
