/** What is typed and not sent, kept per session on this device. Where storage is refused nothing is kept. */
const key = (sessionId: string): string => `holdfast.draft.${sessionId}`;

export function readDraft(sessionId: string): string {
  try {
    return localStorage.getItem(key(sessionId)) ?? '';
  } catch {
    return '';
  }
}

export function keepDraft(sessionId: string, text: string): void {
  try {
    if (text === '') localStorage.removeItem(key(sessionId));
    else localStorage.setItem(key(sessionId), text);
  } catch {
    // Full or refused: the draft lives as long as the page.
  }
}
