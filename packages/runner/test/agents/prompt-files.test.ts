import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { imageHeader } from '@holdfast/runner/agents/image-header.ts';
import { promptFiles, textWithPaths } from '@holdfast/runner/agents/prompt-files.ts';
import type { AttachedFile } from '@holdfast/runner/uploads/uploads.ts';
import { pngImage } from '@holdfast/testkit/png.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterAll, expect, it } from 'vitest';

const directory = temporaryDirectory();
afterAll(() => directory[Symbol.dispose]());

function file(name: string, bytes: Buffer, mediaType = 'image/png'): AttachedFile {
  const path = join(directory.path, name);
  writeFileSync(path, bytes);
  return { name, mediaType, size: bytes.length, path };
}
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

it('UPLOAD10: the first bytes say what an image is and how large', () => {
  expect(imageHeader(pngImage(640, 480))).toEqual({ mediaType: 'image/png', width: 640, height: 480 });
  expect(imageHeader(Buffer.from('GIF89a\x40\x01\xf0\x00', 'latin1'))).toEqual({
    mediaType: 'image/gif',
    width: 320,
    height: 240,
  });
  // Exif, a filled-up marker, a progressive frame of 1024 × 768.
  const jpeg = hex('ffd8 ffe1 0008 457869660000 ffff ffc2 0011 08 0300 0400 03 012200 021101 031101 ffd9');
  expect(imageHeader(jpeg)).toEqual({ mediaType: 'image/jpeg', width: 1_024, height: 768 });
  const webp = (chunk: string): Buffer => hex(`52494646 00000000 57454250 ${chunk}`);
  const sizes = [
    webp('56503820 00000000 000000 9d012a 8002 e001 0000'),
    webp('5650384c 00000000 2f 7fc27700 0000000000'),
    webp('56503858 00000000 00000000 7f0200 df0100'),
  ].map(imageHeader);
  for (const size of sizes) expect(size).toEqual({ mediaType: 'image/webp', width: 640, height: 480 });
});

it('UPLOAD10: whatever the bytes, they are an image or they are none', () => {
  const random = seededRandom(7);
  const heads = ['\x89PNG\r\n\x1a\n', 'GIF89a', 'RIFF', '\xff\xd8\xff', ''];
  for (let count = 0; count < 5_000; count += 1) {
    const noise = Buffer.from(Array.from({ length: random.integer(60) }, () => random.integer(256)));
    const bytes = Buffer.concat([Buffer.from(random.pick(heads), 'latin1'), noise]);
    const header = imageHeader(bytes);
    if (header !== null) expect(header.width * header.height).toBeGreaterThanOrEqual(0);
  }
});

it('UPLOAD10: images fill what one write and one message take, in their order; what does not fit is named', async () => {
  const files = [1, 2, 3].map((index) => file(`${index}.png`, pngImage(500, 500, 'noise')));
  const one = Math.ceil((files[0]?.size ?? 0) / 3) * 4;
  const names = async (writeLimit: number, text = '') => {
    const { images, others } = await promptFiles(files, text, writeLimit);
    return [images.map((image) => image.file.name), others.map(({ name }) => name)];
  };
  expect(await names(100 * one)).toEqual([['1.png', '2.png', '3.png'], []]);
  const two = 2 * one + 20_000;
  expect(await names(two)).toEqual([['1.png', '2.png'], ['3.png']]);
  // The text is in the same write, as it will stand there.
  expect(await names(two, '\n'.repeat(one / 2))).toEqual([['1.png'], ['2.png', '3.png']]);
  expect(await names(10)).toEqual([[], ['1.png', '2.png', '3.png']]);
});

it('UPLOAD10: an image that went away in the last moment is still named', async () => {
  const gone: AttachedFile = { ...file('gone.png', pngImage(4, 4)), path: join(directory.path, 'none.png') };
  const { images, others } = await promptFiles([gone], '', 1_000_000);
  expect([images, others]).toEqual([[], [gone]]);
  expect(textWithPaths('look', others)).toMatch(/^look\n\n.*\n- .*none\.png \(image\/png, \d+ bytes\)$/);
  expect(textWithPaths('', others)).toMatch(/^A file is attached/);
  expect(textWithPaths('look', [])).toBe('look');
});
