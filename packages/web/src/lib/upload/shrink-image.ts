/**
 * Images as agents see them: upright, no larger than a model looks at, and without what a camera notes about place and
 * time. What cannot be read as an image here goes as the file it is.
 */
import { fittingSize } from './fitting-size.ts';

export interface PreparedFile {
  readonly name: string;
  readonly mediaType: string;
  readonly data: Blob;
}

/** Pixels of the longer side: models scale down what is larger. */
const longestSide = 1_568;
/** Bytes of a picture without losses that are not worth it. */
const losslessLimit = 1024 * 1024;
const photoQuality = 0.85;
const drawingQuality = 0.92;
/** A GIF may move, an SVG has no pixels. */
const leftAlone: ReadonlySet<string> = new Set(['image/gif', 'image/svg+xml']);
const endings: Readonly<Record<string, string>> = { 'image/png': 'png', 'image/jpeg': 'jpg', 'image/webp': 'webp' };

export async function shrunk(file: File): Promise<PreparedFile> {
  const image = file.type.startsWith('image/') && !leftAlone.has(file.type) ? await decoded(file) : null;
  if (image === null) return asItIs(file);
  try {
    const size = fittingSize(image, longestSide);
    const data = await encoded(image, size.width, size.height, file.type);
    const smaller = size.width < image.width || size.height < image.height;
    // Written anew for nothing; a photograph always is, for what its camera noted.
    const keep = data === null || (!smaller && file.type !== 'image/jpeg' && file.size <= data.size);
    if (keep && file.type in endings) return asItIs(file);
    return data === null ? asItIs(file) : { name: renamed(file.name, data.type), mediaType: data.type, data };
  } finally {
    image.close();
  }
}

/** Browsers know a type by its name only, and some not at all. */
export function asItIs(file: File): PreparedFile {
  const [mediaType = ''] = file.type.toLowerCase().split(';');
  const known = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/.test(mediaType);
  return { name: file.name, mediaType: known ? mediaType : 'application/octet-stream', data: file };
}

async function decoded(file: File): Promise<ImageBitmap | null> {
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    return null;
  }
}

async function encoded(image: ImageBitmap, width: number, height: number, type: string): Promise<Blob | null> {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d');
  if (context === null) return null;
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, width, height);
  if (type !== 'image/png' && type !== 'image/webp') return blobOf(canvas, 'image/jpeg', photoQuality);
  const lossless = await blobOf(canvas, type, drawingQuality);
  if (lossless === null || lossless.size <= losslessLimit) return lossless;
  // What was seen through is white: a JPEG has no holes.
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  const lossy = await blobOf(canvas, 'image/jpeg', drawingQuality);
  return lossy !== null && lossy.size < lossless.size ? lossy : lossless;
}

const blobOf = (canvas: HTMLCanvasElement, type: string, quality: number): Promise<Blob | null> =>
  new Promise((resolve) => canvas.toBlob(resolve, type, quality));

function renamed(name: string, mediaType: string): string {
  const ending = endings[mediaType] ?? 'png';
  return `${name.replace(/\.[A-Za-z0-9]{1,5}$/, '') || 'image'}.${ending}`;
}
