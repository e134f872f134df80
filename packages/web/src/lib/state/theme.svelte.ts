/** The theme chosen on this device. static/theme.js reads the same key before the first paint. */
import { keep } from './device-storage.ts';

export type Theme = 'system' | 'light' | 'dark';

const storageKey = 'holdfast.theme';

class ThemeChoice {
  current: Theme = $state(read());
  /** Counts every change of what is seen, the system's own too: for canvases, which cannot follow CSS. */
  version = $state(0);

  constructor() {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.version++);
  }

  choose(theme: Theme): void {
    this.current = theme;
    const root = document.documentElement;
    if (theme === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme;
    keep(storageKey, theme === 'system' ? null : theme);
    this.version++;
  }
}

function read(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

let choice: ThemeChoice | undefined;
export const useTheme = (): ThemeChoice => (choice ??= new ThemeChoice());
