/** A long output as its head and tail. */
export interface CutOutput {
  readonly head: string;
  /** null: all of it is in head. */
  readonly tail: string | null;
  /** Lines between the two. */
  readonly hidden: number;
}

export function cutOutput(text: string, headLines = 12, tailLines = 6): CutOutput {
  const lines = text.replace(/\n$/, '').split('\n');
  const hidden = lines.length - headLines - tailLines;
  if (hidden <= 4) return { head: lines.join('\n'), tail: null, hidden: 0 };
  return { head: lines.slice(0, headLines).join('\n'), tail: lines.slice(-tailLines).join('\n'), hidden };
}

/** "812 B", "64 KB", "1.2 MB". */
export function sizeWords(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1_000)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
