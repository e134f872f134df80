/** A unified patch as rows to draw. */

export interface PatchRow {
  readonly kind: 'add' | 'remove' | 'context' | 'gap';
  /** Line numbers, where the patch tells them. */
  readonly before: number | null;
  readonly after: number | null;
  readonly text: string;
}

export interface ParsedPatch {
  readonly rows: readonly PatchRow[];
  readonly added: number;
  readonly removed: number;
}

export function parsePatch(patch: string): ParsedPatch {
  const rows: PatchRow[] = [];
  let before: number | null = null;
  let after: number | null = null;
  let added = 0;
  let removed = 0;
  let inHunk = !/^@@ /m.test(patch);
  for (const line of patch.replace(/\n$/, '').split('\n')) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line);
    if (hunk) {
      if (rows.length > 0) rows.push({ kind: 'gap', before: null, after: null, text: '' });
      before = Number(hunk[1]);
      after = Number(hunk[2]);
      inHunk = true;
    } else if (!inHunk || line.startsWith('\\')) {
      // File headers, and "No newline at end of file".
    } else if (line.startsWith('+')) {
      rows.push({ kind: 'add', before: null, after, text: line.slice(1) });
      after = next(after);
      added += 1;
    } else if (line.startsWith('-')) {
      rows.push({ kind: 'remove', before, after: null, text: line.slice(1) });
      before = next(before);
      removed += 1;
    } else {
      rows.push({ kind: 'context', before, after, text: line.slice(1) });
      before = next(before);
      after = next(after);
    }
  }
  return { rows, added, removed };
}

const next = (line: number | null): number | null => (line === null ? null : line + 1);
