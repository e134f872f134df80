/** How files that go with a message reach an agent: an image as an image where that is possible, all else by its path. */
import { open } from 'node:fs/promises';
import { constants } from 'node:fs';
import type { AttachedFile } from '../uploads/uploads.ts';
import { type ImageHeader, imageHeader } from './image-header.ts';

export interface PromptImage {
  readonly file: AttachedFile;
  readonly mediaType: ImageHeader['mediaType'];
  /** Base64. */
  readonly data: string;
}

export interface PromptFiles {
  readonly images: readonly PromptImage[];
  /** Those the agent is told the path of. */
  readonly others: readonly AttachedFile[];
}

/** Base64 of all images of one message: they stay in the conversation, whose requests may not grow for ever. */
const imagesLimit = 4 * 1024 * 1024;
/** Of one image, as the providers have it: base64 bytes, and pixels of a side (fewer in a long conversation). */
const imageLimit = 5 * 1024 * 1024;
const sideLimit = 2_000;
/** What a prompt takes beside its text and images. */
const frameBytes = 16 * 1024;

/** text: of the message, which shares the write with the images; writeLimit: bytes of one write to the agent. */
export async function promptFiles(
  files: readonly AttachedFile[],
  text: string,
  writeLimit: number,
): Promise<PromptFiles> {
  const images: PromptImage[] = [];
  const others: AttachedFile[] = [];
  let left = Math.min(imagesLimit, writeLimit - Buffer.byteLength(JSON.stringify(text)) - frameBytes);
  for (const file of files) {
    const image = base64Length(file.size) <= Math.min(left, imageLimit) ? await readImage(file) : null;
    if (image === null) {
      others.push(file);
    } else {
      images.push(image);
      left -= image.data.length;
    }
  }
  return { images, others };
}

/** The text with a line for each file that is told by its path. */
export function textWithPaths(text: string, others: readonly AttachedFile[]): string {
  if (others.length === 0) return text;
  const lines = others.map(({ path, mediaType, size }) => `- ${path} (${mediaType}, ${size} bytes)`);
  const heading = others.length === 1 ? 'A file is attached. It lies here:' : 'Files are attached. They lie here:';
  return [...(text.trim() === '' ? [] : [text, '']), heading, ...lines].join('\n');
}

const base64Length = (bytes: number): number => Math.ceil(bytes / 3) * 4;

/** null: not an image every provider takes, or not readable any more. */
async function readImage(file: AttachedFile): Promise<PromptImage | null> {
  if (!file.mediaType.startsWith('image/')) return null;
  const bytes = await readWhole(file);
  const header = bytes && imageHeader(bytes);
  if (bytes === null || header === null || Math.max(header.width, header.height) > sideLimit) return null;
  if (header.width === 0 || header.height === 0) return null;
  return { file, mediaType: header.mediaType, data: bytes.toString('base64') };
}

async function readWhole({ path, size }: AttachedFile): Promise<Buffer | null> {
  try {
    await using handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await handle.read(bytes, 0, size, 0);
    return bytesRead === size ? bytes : null;
  } catch {
    // The path still says what there was.
    return null;
  }
}
