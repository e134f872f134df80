/** What is typed and not sent, kept per session on this device. */
import { keep, readKept } from './device-storage.ts';

const key = (sessionId: string): string => `holdfast.draft.${sessionId}`;

export const readDraft = (sessionId: string): string => readKept(key(sessionId)) ?? '';

export const keepDraft = (sessionId: string, text: string): void => keep(key(sessionId), text === '' ? null : text);
