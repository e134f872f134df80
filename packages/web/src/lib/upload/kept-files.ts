/** Files that are on the machine and not sent yet, kept per session on this device like the draft they go with. */
import { type Attachment, attachmentsSchema } from '@holdfast/protocol/upload.ts';

const key = (sessionId: string): string => `holdfast.files.${sessionId}`;

export function readFiles(sessionId: string): Attachment[] {
  try {
    const parsed = attachmentsSchema.safeParse(JSON.parse(localStorage.getItem(key(sessionId)) ?? '[]'));
    return parsed.success ? parsed.data : [];
  } catch {
    return [];
  }
}

export function keepFiles(sessionId: string, files: readonly Attachment[]): void {
  try {
    if (files.length === 0) localStorage.removeItem(key(sessionId));
    else localStorage.setItem(key(sessionId), JSON.stringify(files));
  } catch {
    // Full or refused: they live as long as the page.
  }
}
