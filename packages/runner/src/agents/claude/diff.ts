/** The unified diff of what an editing tool did, from the structure it tells with its result. */
import { z } from 'zod';
import type { FactData } from '@holdfast/protocol/fact.ts';
import { cutText } from '../cut-text.ts';

const editSchema = z.object({
  filePath: z.string(),
  /** Of a new file, whose patch is empty. */
  content: z.string().optional(),
  originalFile: z.string().nullish(),
  structuredPatch: z.array(
    z.object({
      oldStart: z.number(),
      oldLines: z.number(),
      newStart: z.number(),
      newLines: z.number(),
      lines: z.array(z.string()),
    }),
  ),
});

/** undefined: the tool edited nothing. */
export function diffOf(toolUseResult: unknown): FactData<'tool.finished'>['diff'] {
  const parsed = editSchema.safeParse(toolUseResult);
  if (!parsed.success) return undefined;
  const { filePath, content, originalFile, structuredPatch } = parsed.data;
  const hunks = structuredPatch.map(
    (hunk) => `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@\n${hunk.lines.join('\n')}\n`,
  );
  if (hunks.length === 0) {
    if (content === undefined || content === '' || (originalFile ?? '') !== '') return undefined;
    const lines = content.replace(/\n$/, '').split('\n');
    hunks.push(`@@ -0,0 +1,${lines.length} @@\n${lines.map((line) => `+${line}`).join('\n')}\n`);
  }
  return { path: filePath, patch: cutText(hunks.join('')).text };
}
