/**
 * Files a person hands over: a stream of bytes with absolute offsets that belongs to a session and lies on the session's
 * machine, outside every workspace. The id is made by the client and names the file, not the attempt.
 */
import { z } from 'zod';
import { idSchema, offsetSchema } from './id.ts';
import { limits } from './limits.ts';

const sizeSchema = z.number().int().nonnegative();

/** Lower case, without parameters. */
export const mediaTypeSchema = z
  .string()
  .max(127)
  .regex(/^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/, 'a media type like image/png');

/** What agents see as images and a browser shows as such; every other file is only ever named or saved. */
export const imageMediaTypes: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

const uploadFields = {
  /** As its machine has it: see safeFileName in core. */
  name: z.string().min(1).max(limits.fileName),
  mediaType: mediaTypeSchema,
  /** Bytes of the whole. */
  size: sizeSchema,
};

/** How far an upload is. */
export const uploadStateSchema = z.object({
  id: idSchema,
  ...uploadFields,
  /** All before it are there. */
  offset: offsetSchema,
  complete: z.boolean(),
  /** Once complete: where it lies on the session's machine. */
  path: z.string().optional(),
});
export type UploadState = z.infer<typeof uploadStateSchema>;

/** A file that goes with a message. What is said of it must be what is there. */
export const attachmentSchema = z.object({ uploadId: idSchema, ...uploadFields });
export type Attachment = z.infer<typeof attachmentSchema>;

export const attachmentsSchema = z
  .array(attachmentSchema)
  .max(limits.attachments)
  .refine((list) => new Set(list.map(({ uploadId }) => uploadId)).size === list.length, 'the same file twice');

const queryNumber = z.coerce.number().int().nonnegative();

/** Of PUT …/uploads/:uploadId; the body is the bytes from `offset` on. */
export const putUploadQuerySchema = z.object({
  offset: queryNumber,
  size: queryNumber,
  /** As the person has it; what would lead somewhere else or mislead is left out of it. */
  name: z.string().min(1).max(1_024),
  mediaType: mediaTypeSchema.default('application/octet-stream'),
});
export type PutUpload = z.infer<typeof putUploadQuerySchema>;
