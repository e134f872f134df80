/** What a piece of an upload does to it: pure. How much there is of what is counted by whoever keeps the files. */
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';

/** An upload so far. */
export interface Upload {
  /** Safe; see file-name.ts. */
  readonly name: string;
  readonly mediaType: string;
  /** Bytes of the whole, as was said at its beginning. */
  readonly size: number;
  /** All before it are there. */
  readonly offset: number;
}

export interface UploadPiece extends Upload {
  /** Bytes, from `offset` on. */
  readonly length: number;
}

/** On one machine; 0 switches a limit off. Bytes are those of whole uploads, also where not all have come yet. */
export interface UploadLimits {
  /** Of one upload. */
  readonly uploadBytes: number;
  readonly sessionUploads: number;
  readonly sessionUploadBytes: number;
  /** Of one person. */
  readonly userUploads: number;
  readonly userUploadBytes: number;
}

export type UploadUse = Omit<UploadLimits, 'uploadBytes'>;

/** What follows from the largest size of one upload: a session may have ten of those, a person forty. */
export function uploadLimits(uploadBytes: number): UploadLimits {
  return {
    uploadBytes,
    sessionUploads: 200,
    sessionUploadBytes: 10 * uploadBytes,
    userUploads: 1_000,
    userUploadBytes: 40 * uploadBytes,
  };
}

const mebi = 1024 * 1024;
/** Rounded up: what is larger than a limit does not look like it. */
const inMebibytes = (bytes: number): string => `${Math.ceil((bytes / mebi) * 10) / 10} MiB`;

/** payload_too_large with details {limit, current}: it may not be so large. */
export function withinUploadSize({ uploadBytes: limit }: UploadLimits, size: number): Result<null> {
  if (limit === 0 || size <= limit) return ok(null);
  const message = `A file may have ${inMebibytes(limit)}; this one has ${inMebibytes(size)}.`;
  return fail('payload_too_large', message, { details: { limit, current: size } });
}

/**
 * The upload after the piece, and how many of the piece's first bytes were there before (all of them: it changes
 * nothing). current: null for an upload that has not begun; use: of all others.
 *
 * conflict with details {offset}: bytes are missing before the piece, go on from there. conflict without: another file
 * has this id. bad_request: more than the size. payload_too_large, quota_exceeded: a limit, with {limit, current}.
 */
export function decidePiece(
  current: Upload | null,
  piece: UploadPiece,
  use: UploadUse,
  limits: UploadLimits,
): Result<{ upload: Upload; skip: number }> {
  const { name, mediaType, size, offset, length } = piece;
  if (offset + length > size) return fail('bad_request', `The file was said to have ${size} bytes; this is more.`);
  if (current === null) {
    const allowed = mayBegin(size, use, limits);
    if (!allowed.ok) return allowed;
  } else if (current.name !== name || current.mediaType !== mediaType || current.size !== size) {
    return fail('conflict', 'Another file was begun under this id: make a new one.');
  }
  const there = current?.offset ?? 0;
  if (offset > there) {
    return fail('conflict', `Bytes are missing: go on from ${there}.`, { details: { offset: there } });
  }
  const skip = Math.min(there - offset, length);
  return ok({ upload: { name, mediaType, size, offset: there + length - skip }, skip });
}

export const isComplete = ({ offset, size }: Upload): boolean => offset === size;

function mayBegin(size: number, use: UploadUse, limits: UploadLimits): Result<null> {
  const fits = withinUploadSize(limits, size);
  if (!fits.ok) return fits;
  for (const quota of ['sessionUploads', 'userUploads'] as const) {
    const limit = limits[quota];
    if (limit > 0 && use[quota] >= limit) return exceeded(quota, limit, use[quota], `${limit} files`);
  }
  for (const quota of ['sessionUploadBytes', 'userUploadBytes'] as const) {
    const limit = limits[quota];
    if (limit > 0 && use[quota] + size > limit) return exceeded(quota, limit, use[quota], inMebibytes(limit));
  }
  return ok(null);
}

function exceeded(quota: keyof UploadUse, limit: number, current: number, words: string): Result<never> {
  const whose = quota.startsWith('session') ? 'This session' : 'Your sessions on this machine';
  const message = `${whose} may have ${words} uploaded, which is the limit. Remove some; unused ones go by themselves.`;
  return fail('quota_exceeded', message, { details: { quota, limit, current } });
}
