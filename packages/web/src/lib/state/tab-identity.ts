/**
 * Names this tab, the same over its reloads: who is attached and who drives is known by it. A tab that was duplicated
 * begins with a copy of the other's storage, so an id counts only while no other tab holds its lock.
 */
const storageKey = 'holdfast.client';
/** A page that is reloaded lets go of its lock within, ms. */
const patienceMs = 1_000;

export async function tabIdentity(makeId: () => string): Promise<string> {
  const kept = read();
  if (kept !== null && (await hold(kept))) return kept;
  const fresh = makeId();
  write(fresh);
  await hold(fresh);
  return fresh;
}

/** Until the page is gone. False: another tab has it. */
function hold(id: string): Promise<boolean> {
  // Browsers give locks to secure pages only; without them a duplicate is not found out.
  if (!('locks' in navigator)) return Promise.resolve(true);
  return new Promise((resolve) => {
    navigator.locks
      .request(`${storageKey}:${id}`, { signal: AbortSignal.timeout(patienceMs) }, () => {
        resolve(true);
        return new Promise<never>(() => undefined);
      })
      .catch(() => resolve(false));
  });
}

function read(): string | null {
  try {
    const kept = sessionStorage.getItem(storageKey);
    return kept !== null && /^[\w-]{1,64}$/.test(kept) ? kept : null;
  } catch {
    return null;
  }
}

function write(id: string): void {
  try {
    sessionStorage.setItem(storageKey, id);
  } catch {
    // Storage is refused: after a reload this is another tab.
  }
}
