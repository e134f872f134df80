/** A transcript while facts are being folded into it. Its item list is its own; items are replaced, never changed. */
import { type TranscriptItem, itemKey } from './transcript-item.ts';
import { type FoldState, type Transcript, indexOf, itemOf } from './transcript.ts';

export type Draft = { -readonly [K in keyof Omit<Transcript, 'items' | 'fold'>]: Transcript[K] } & {
  items: TranscriptItem[];
  fold: { -readonly [K in keyof FoldState]: FoldState[K] };
};

/** Adds an item, or replaces the one with its key where that stands. */
export function put(draft: Draft, item: TranscriptItem, parentToolCallId?: string): void {
  const known = itemOf(draft, item.key);
  if (known !== undefined) {
    replace(draft, item.key, () => ({ ...item, seq: known.seq }));
    return;
  }
  const parent = parentToolCallId === undefined ? null : itemKey.tool(parentToolCallId);
  if (parent !== null && itemOf(draft, parent)?.type === 'tool') {
    draft.fold.places.set(item.key, { index: 0, parent });
    edit(draft, parent, 'tool', (tool) => ({ ...tool, children: [...tool.children, item] }));
  } else {
    draft.fold.places.set(item.key, { index: draft.items.length, parent: null });
    draft.items.push(item);
  }
}

export function edit<T extends TranscriptItem['type']>(
  draft: Draft,
  key: string,
  type: T,
  change: (item: Extract<TranscriptItem, { type: T }>) => TranscriptItem,
): void {
  replace(draft, key, (item) => (item.type === type ? change(item as Extract<TranscriptItem, { type: T }>) : item));
}

function replace(draft: Draft, key: string, change: (item: TranscriptItem) => TranscriptItem): void {
  const place = draft.fold.places.get(key);
  if (place === undefined) return;
  if (place.parent !== null) {
    edit(draft, place.parent, 'tool', (tool) => ({
      ...tool,
      children: tool.children.map((child) => (child.key === key ? change(child) : child)),
    }));
    return;
  }
  const index = indexOf(draft, key, place);
  const item = draft.items[index];
  if (item !== undefined) draft.items[index] = change(item);
}
