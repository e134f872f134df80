/**
 * Which sessions are open on this device and how they lie: tabs, each a tree of panes split side by side or one over the
 * other. A session is in one pane at most. Pure; opening and closing here neither begins nor ends a session.
 */
import { z } from 'zod';
import { idSchema } from '@holdfast/protocol/id.ts';

export interface Leaf {
  readonly session: string;
}
export interface Split {
  readonly direction: 'row' | 'column';
  /** Of the first, from 0 to 1. */
  readonly share: number;
  readonly first: Tree;
  readonly second: Tree;
}
export type Tree = Leaf | Split;

export interface Tab {
  readonly tree: Tree;
  /** The pane that was used last. */
  readonly active: string;
}

export interface Layout {
  readonly tabs: readonly Tab[];
}

export type Side = 'left' | 'right' | 'top' | 'bottom';

export const layoutLimits = { tabs: 20, panes: 8, leastShare: 0.1 } as const;
export const emptyLayout: Layout = { tabs: [] };

const treeSchema: z.ZodType<Tree> = z.lazy(() =>
  z.union([
    z.strictObject({ session: idSchema }),
    z.strictObject({
      direction: z.enum(['row', 'column']),
      share: z
        .number()
        .min(layoutLimits.leastShare)
        .max(1 - layoutLimits.leastShare),
      first: treeSchema,
      second: treeSchema,
    }),
  ]),
);
const layoutSchema = z.object({
  tabs: z.array(z.object({ tree: treeSchema, active: idSchema })).max(layoutLimits.tabs),
});

/** What was kept on the device; what does not fit any more is begun anew. */
export function readLayout(text: string | null): Layout {
  try {
    const parsed = layoutSchema.safeParse(JSON.parse(text ?? ''));
    if (!parsed.success) return emptyLayout;
    const all = parsed.data.tabs.flatMap(({ tree }) => sessionsIn(tree));
    const sound = new Set(all).size === all.length && parsed.data.tabs.every(({ tree, active }) => has(tree, active));
    return sound ? parsed.data : emptyLayout;
  } catch {
    return emptyLayout;
  }
}

export const isSplit = (tree: Tree): tree is Split => 'direction' in tree;

/** From left to right and top to bottom. */
export const sessionsIn = (tree: Tree): string[] =>
  isSplit(tree) ? [...sessionsIn(tree.first), ...sessionsIn(tree.second)] : [tree.session];

const has = (tree: Tree, session: string): boolean => sessionsIn(tree).includes(session);

export const tabOf = (layout: Layout, session: string): Tab | undefined =>
  layout.tabs.find(({ tree }) => has(tree, session));

/** Shows a session: in the pane it has, or in a tab of its own after the one that was shown (`after`: its session). */
export function open(layout: Layout, session: string, after: string | null): Layout {
  const tab = tabOf(layout, session);
  if (tab !== undefined) {
    if (tab.active === session) return layout;
    return { tabs: layout.tabs.map((other) => (other === tab ? { ...tab, active: session } : other)) };
  }
  const place = after === null ? -1 : layout.tabs.findIndex(({ tree }) => has(tree, after));
  const at = place < 0 ? layout.tabs.length : place + 1;
  const tabs = [...layout.tabs.slice(0, at), { tree: { session }, active: session }, ...layout.tabs.slice(at)];
  // Of too many the first goes that is neither the new one nor beside it.
  const surplus = tabs.length > layoutLimits.tabs ? tabs.findIndex((_, index) => Math.abs(index - at) > 1) : -1;
  return { tabs: tabs.filter((_, index) => index !== surplus) };
}

/** Puts a session beside another one's pane, wherever it was before. The same layout: it is that one, or there is no room. */
export function place(layout: Layout, session: string, beside: string, side: Side): Layout {
  const target = tabOf(layout, beside);
  if (target === undefined || session === beside) return layout;
  if (!has(target.tree, session) && sessionsIn(target.tree).length >= layoutLimits.panes) return layout;
  const without = close(layout, session);
  const at = without.tabs.findIndex(({ tree }) => has(tree, beside));
  const tabs = without.tabs.map((tab, index) =>
    index === at ? { tree: splitAt(tab.tree, session, beside, side), active: session } : tab,
  );
  return { tabs };
}

function splitAt(tree: Tree, session: string, beside: string, side: Side): Tree {
  if (isSplit(tree)) {
    const [first, second] = [tree.first, tree.second].map((half) =>
      has(half, beside) ? splitAt(half, session, beside, side) : half,
    ) as [Tree, Tree];
    return { ...tree, first, second };
  }
  const direction = side === 'left' || side === 'right' ? 'row' : 'column';
  const added: Leaf = { session };
  const isFirst = side === 'left' || side === 'top';
  return { direction, share: 0.5, first: isFirst ? added : tree, second: isFirst ? tree : added };
}

/** Takes a session's pane away; its neighbour has the room. The last pane of a tab takes the tab along. */
export function close(layout: Layout, session: string): Layout {
  const tabs = layout.tabs.flatMap((tab) => {
    if (!has(tab.tree, session)) return [tab];
    const tree = without(tab.tree, session);
    if (tree === null) return [];
    return [{ tree, active: tab.active === session ? (sessionsIn(tree)[0] ?? '') : tab.active }];
  });
  return { tabs };
}

function without(tree: Tree, session: string): Tree | null {
  if (!isSplit(tree)) return tree.session === session ? null : tree;
  const [first, second] = [without(tree.first, session), without(tree.second, session)];
  if (first === null) return second;
  if (second === null) return first;
  return first === tree.first && second === tree.second ? tree : { ...tree, first, second };
}

/** Another session takes over the pane of one: a terminal that is begun again in its place. */
export function replace(layout: Layout, session: string, next: string): Layout {
  const swapped = (tree: Tree): Tree =>
    isSplit(tree)
      ? { ...tree, first: swapped(tree.first), second: swapped(tree.second) }
      : tree.session === session
        ? { session: next }
        : tree;
  return {
    tabs: layout.tabs.map((tab) =>
      has(tab.tree, session) ? { tree: swapped(tab.tree), active: tab.active === session ? next : tab.active } : tab,
    ),
  };
}

/** path: which half of which split, from the root on. */
export function setShare(tree: Tree, path: readonly ('first' | 'second')[], share: number): Tree {
  if (!isSplit(tree)) return tree;
  const [half, ...rest] = path;
  if (half !== undefined) return { ...tree, [half]: setShare(tree[half], rest, share) };
  const { leastShare } = layoutLimits;
  return { ...tree, share: Math.min(1 - leastShare, Math.max(leastShare, share)) };
}

/** The session shown in the tab before (-1) or after (1) this one's; null: there is none. */
export function neighbour(layout: Layout, session: string, step: -1 | 1): string | null {
  const at = layout.tabs.findIndex(({ tree }) => has(tree, session));
  return at < 0 ? null : (layout.tabs[at + step]?.active ?? null);
}

/** Where in a pane something is held over it: the nearest edge. x and y: from 0 to 1. */
export function sideAt(x: number, y: number): Side {
  const distances: readonly [Side, number][] = [
    ['left', x],
    ['right', 1 - x],
    ['top', y],
    ['bottom', 1 - y],
  ];
  return distances.reduce((nearest, each) => (each[1] < nearest[1] ? each : nearest))[0];
}
