/** A message with files is written only when they are there; a repeat of one that was written is answered without looking. */
import type { Command } from '@holdfast/protocol/command.ts';
import { type ErrorBody, type Result, ok } from '@holdfast/protocol/error.ts';
import type { Attachment } from '@holdfast/protocol/upload.ts';

/** By which the refusal of the first look is known. */
const unchecked: ErrorBody = { kind: 'conflict', message: 'The files of this message have not been looked at.' };

/**
 * write: in one transaction, refusing what is new with the error it is given. It is called twice for a new message with
 * files, because the look at them takes a while and a transaction must not wait.
 */
export async function writeWithFiles<T>(
  command: Command,
  write: (files: Result<null>) => Promise<Result<T>>,
  check: (attachments: readonly Attachment[]) => Promise<Result<null>>,
): Promise<Result<T>> {
  const attachments = command.type === 'message.send' ? (command.attachments ?? []) : [];
  if (attachments.length === 0) return write(ok(null));
  const repeated = await write({ ok: false, error: unchecked });
  if (repeated.ok || repeated.error !== unchecked) return repeated;
  return write(await check(attachments));
}
