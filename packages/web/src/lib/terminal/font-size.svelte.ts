/** The size of terminal text chosen on this device. */
import { keep, readKept } from '#lib/state/device-storage.ts';

const storageKey = 'holdfast.terminal-font-size';
export const fontSizes = { least: 8, usual: 13, most: 28 } as const;

class FontSize {
  /** CSS pixels. */
  current: number = $state(read());

  /** Into the range there is; kept on this device. */
  choose(size: number): void {
    this.current = within(size);
    keep(storageKey, this.current === fontSizes.usual ? null : String(this.current));
  }
}

const read = (): number => within(Number(readKept(storageKey) ?? fontSizes.usual));

function within(size: number): number {
  if (!Number.isFinite(size) || size <= 0) return fontSizes.usual;
  return Math.min(fontSizes.most, Math.max(fontSizes.least, Math.round(size)));
}

let choice: FontSize | undefined;
export const useFontSize = (): FontSize => (choice ??= new FontSize());
