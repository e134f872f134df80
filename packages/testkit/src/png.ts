/** Real PNG images of any size, for whoever looks inside: four colours in the corners, or noise that does not compress. */
import { crc32, deflateSync } from 'node:zlib';
import { seededRandom } from './random.ts';

export function pngImage(width: number, height: number, fill: 'corners' | 'noise' = 'corners'): Buffer {
  const random = seededRandom(1);
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y += 1) {
    const row = y * (1 + width * 3) + 1;
    for (let x = 0; x < width; x += 1) {
      const at = row + x * 3;
      if (fill === 'noise') {
        for (let part = 0; part < 3; part += 1) rows[at + part] = random.integer(256);
      } else {
        const colour = corners[(y * 2 < height ? 0 : 2) + (x * 2 < width ? 0 : 1)] ?? [0, 0, 0];
        rows.set(colour, at);
      }
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits a channel, RGB.
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Top left, top right, bottom left, bottom right. */
const corners: readonly (readonly [number, number, number])[] = [
  [220, 60, 40],
  [40, 120, 220],
  [60, 170, 90],
  [240, 200, 60],
];

function chunk(type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write(type, 4, 'latin1');
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(crc32(data, crc32(head.subarray(4))));
  return Buffer.concat([head, data, tail]);
}
