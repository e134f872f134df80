/** The size of terminal text chosen on this device. */
const storageKey = 'holdfast.terminal-font-size';
export const fontSizes = { least: 8, usual: 13, most: 28 } as const;

class FontSize {
  /** CSS pixels. */
  current: number = $state(read());

  /** Into the range there is; kept on this device. */
  choose(size: number): void {
    this.current = within(size);
    try {
      if (this.current === fontSizes.usual) localStorage.removeItem(storageKey);
      else localStorage.setItem(storageKey, String(this.current));
    } catch {
      // Storage is refused: the choice lasts until the page is left.
    }
  }
}

function read(): number {
  try {
    return within(Number(localStorage.getItem(storageKey) ?? fontSizes.usual));
  } catch {
    return fontSizes.usual;
  }
}

function within(size: number): number {
  if (!Number.isFinite(size) || size <= 0) return fontSizes.usual;
  return Math.min(fontSizes.most, Math.max(fontSizes.least, Math.round(size)));
}

let choice: FontSize | undefined;
export const useFontSize = (): FontSize => (choice ??= new FontSize());
