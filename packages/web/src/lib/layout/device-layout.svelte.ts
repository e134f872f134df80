/** The layout of this device: kept in its storage, the same for all of its tabs from their next start on. */
import { emptyLayout, type Layout, readLayout } from './layout.ts';

const storageKey = 'holdfast.layout';

class DeviceLayout {
  current: Layout = $state.raw(stored());

  change(edit: (layout: Layout) => Layout): void {
    const next = edit(this.current);
    if (next === this.current) return;
    this.current = next;
    try {
      localStorage.setItem(storageKey, JSON.stringify(next));
    } catch {
      // Storage is full or refused: it lasts until the page is left.
    }
  }
}

function stored(): Layout {
  try {
    return readLayout(localStorage.getItem(storageKey));
  } catch {
    return emptyLayout;
  }
}

let layout: DeviceLayout | undefined;
export const useLayout = (): DeviceLayout => (layout ??= new DeviceLayout());
