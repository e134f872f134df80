import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Spill } from './retained-stream.ts';

/** What is released is given back to the disk in pieces of this size. */
const segmentBytes = 16 * 1024 * 1024;

interface Segment {
  readonly path: string;
  readonly descriptor: number;
  /** Offset of its first byte in the stream. */
  readonly start: number;
  size: number;
}

/**
 * The part of a stream that is on disk, as files in `directory`, which is made when the first byte comes and belongs
 * to this object. Written and read at once (the page cache takes a block in tens of microseconds), so that order needs
 * no queue. `failed` is told each time the disk refuses.
 */
export function segmentSpill(directory: string, failed: (error: unknown) => void): Spill {
  const segments: Segment[] = [];
  let closed = false;

  const open = (start: number): Segment => {
    if (segments.length === 0) mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, String(start));
    const segment = { path, descriptor: openSync(path, 'w+', 0o600), start, size: 0 };
    segments.push(segment);
    return segment;
  };

  const remove = (segment: Segment): void => {
    try {
      closeSync(segment.descriptor);
      rmSync(segment.path, { force: true });
    } catch (error) {
      failed(error);
    }
  };

  return {
    append(offset, bytes) {
      try {
        const last = segments.at(-1);
        const segment = last !== undefined && last.size < segmentBytes ? last : open(offset);
        let written = 0;
        while (written < bytes.length) {
          const position = segment.size + written;
          written += writeSync(segment.descriptor, bytes, written, bytes.length - written, position);
        }
        segment.size += bytes.length;
        return true;
      } catch (error) {
        failed(error);
        return false;
      }
    },

    read(offset, limit) {
      const segment = segments.find((each) => offset < each.start + each.size);
      if (segment === undefined || offset < segment.start) throw new Error(`offset ${offset} is not on disk`);
      const bytes = Buffer.allocUnsafeSlow(Math.min(limit, segment.start + segment.size - offset));
      try {
        const count = readSync(segment.descriptor, bytes, 0, bytes.length, offset - segment.start);
        if (count > 0) return bytes.subarray(0, count);
        failed(new Error(`${segment.path} has been cut`));
      } catch (error) {
        failed(error);
      }
      return null;
    },

    trim(start) {
      while (segments[0] !== undefined && segments[0].start + segments[0].size <= start) {
        remove(segments.shift() as Segment);
      }
    },

    dispose() {
      if (closed) return;
      closed = true;
      for (const segment of segments.splice(0)) remove(segment);
      try {
        rmSync(directory, { recursive: true, force: true });
      } catch (error) {
        failed(error);
      }
    },
  };
}
