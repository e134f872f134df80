/** What is kept on this device by name. Where storage is full or refused, nothing is: it lasts as long as the page. */

/** null: nothing is kept. */
export function readKept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** null: it is kept no more. */
export function keep(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, value);
  } catch {
    // Full or refused.
  }
}
