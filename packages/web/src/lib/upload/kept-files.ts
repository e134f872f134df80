/** Files that are on the machine and not sent yet, kept per session on this device like the draft they go with. */
import { type Attachment, attachmentsSchema } from '@holdfast/protocol/upload.ts';
import { keep, readKept } from '#lib/state/device-storage.ts';

const key = (sessionId: string): string => `holdfast.files.${sessionId}`;

export function readFiles(sessionId: string): Attachment[] {
  try {
    const parsed = attachmentsSchema.safeParse(JSON.parse(readKept(key(sessionId)) ?? '[]'));
    return parsed.success ? parsed.data : [];
  } catch {
    return [];
  }
}

export function keepFiles(sessionId: string, files: readonly Attachment[]): void {
  keep(key(sessionId), files.length === 0 ? null : JSON.stringify(files));
}
