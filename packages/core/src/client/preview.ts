/** Text an agent is writing right now, laid over the transcript until the finished block's fact takes its place (TURN8). */
import type { Preview } from '@holdfast/protocol/socket.ts';
import { itemKey } from './transcript-item.ts';
import { type Transcript, itemOf } from './transcript.ts';

export interface PreviewBlock {
  /** The key the finished block's item will have. */
  readonly key: string;
  readonly blockId: string;
  readonly turnId: string;
  readonly kind: 'text' | 'thinking';
  readonly text: string;
}

export const previewLimits = {
  /** Unfinished blocks shown at once. */
  blocks: 32,
  /** UTF-16 units of one block. */
  text: 1024 * 1024,
} as const;

/**
 * fits: false when text before the preview is missing; it is not shown then. The block's own fact, or a preview with
 * offset 0 (sent on each new subscription), brings it right.
 */
export function applyPreview(
  transcript: Transcript,
  preview: Preview,
): { readonly transcript: Transcript; readonly fits: boolean } {
  const unchanged = { transcript, fits: true };
  const { blockId, turnId, kind, offset } = preview;
  const key = itemKey.block(blockId);
  // Overtaken by its fact.
  if (itemOf(transcript, key) !== undefined) return unchanged;
  const known = transcript.previews.get(blockId);
  const before = known?.text ?? '';
  if (offset > before.length) return { transcript, fits: false };
  if (known === undefined && transcript.previews.size >= previewLimits.blocks) return unchanged;
  // Sent twice: what is there already goes on further.
  if (offset > 0 && before.startsWith(preview.text, offset)) return unchanged;
  const text = (before.slice(0, offset) + preview.text).slice(0, previewLimits.text);
  const previews = new Map(transcript.previews).set(blockId, { key, blockId, turnId, kind, text });
  return { transcript: { ...transcript, previews }, fits: true };
}
