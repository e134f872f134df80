/** The layout of this device: kept in its storage, the same for all of its tabs from their next start on. */
import { keep, readKept } from '#lib/state/device-storage.ts';
import { type Layout, readLayout } from './layout.ts';

const storageKey = 'holdfast.layout';

class DeviceLayout {
  current: Layout = $state.raw(readLayout(readKept(storageKey)));

  change(edit: (layout: Layout) => Layout): void {
    const next = edit(this.current);
    if (next === this.current) return;
    this.current = next;
    keep(storageKey, JSON.stringify(next));
  }
}

let layout: DeviceLayout | undefined;
export const useLayout = (): DeviceLayout => (layout ??= new DeviceLayout());
