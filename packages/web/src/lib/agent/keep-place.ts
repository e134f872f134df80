/**
 * Keeps what is being looked at where it is while what stands above it grows, shrinks or is replaced: the topmost visible
 * row that is still there afterwards stays at its height. The browser's own anchoring does not do that everywhere, nor
 * at the very top.
 */
interface Anchor {
  readonly element: Element;
  /** Pixels from the scroller's top edge to its own. */
  readonly top: number;
}

export interface KeptPlace {
  /** The reader has moved: what is visible now is what is being looked at. */
  note(): void;
  /** Something has changed: puts what was looked at back. */
  restore(): void;
}

/** Rows that are looked at, at most: one of them outlives nearly every change. */
const anchorsKept = 24;

/** content: its children are the rows, from top to bottom. */
export function keepPlace(scroller: HTMLElement, content: HTMLElement): KeptPlace {
  let anchors: readonly Anchor[] = [];
  const topOf = (element: Element): number =>
    element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;

  const note = (): void => {
    const rows = content.children;
    const bottom = scroller.clientHeight;
    const found: Anchor[] = [];
    for (let index = firstVisible(rows, scroller); index < rows.length && found.length < anchorsKept; index += 1) {
      const element = rows[index];
      if (element === undefined) break;
      const top = topOf(element);
      if (top > bottom) break;
      if (!element.hasAttribute('data-no-anchor')) found.push({ element, top });
    }
    anchors = found;
  };
  const restore = (): void => {
    const anchor = anchors.find(({ element }) => element.isConnected);
    if (anchor !== undefined) scroller.scrollTop += topOf(anchor.element) - anchor.top;
    note();
  };
  return { note, restore };
}

/** Rows follow each other from top to bottom, so half of what is left can be passed over with each look. */
function firstVisible(rows: HTMLCollection, scroller: HTMLElement): number {
  const edge = scroller.getBoundingClientRect().top;
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((rows[middle]?.getBoundingClientRect().bottom ?? 0) > edge) high = middle;
    else low = middle + 1;
  }
  return low;
}
