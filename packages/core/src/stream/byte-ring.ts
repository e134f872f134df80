/**
 * The newest bytes of a stream at their absolute offsets. Large blocks are kept as they came, not copied, so that one
 * block serves every reader; small ones (keystroke echoes) are gathered in slabs, or their bookkeeping would outweigh
 * them. Blocks handed in and out must not be changed.
 */
const smallBlock = 1_024;
const slabSize = 8 * 1_024;
/** The first slab of a ring: an idle terminal has printed little. */
const firstSlabSize = 1_024;

interface Block {
  /** Offset of the first byte. */
  readonly start: number;
  bytes: Uint8Array;
  /** Backing store with room for more, if this block is a slab. */
  readonly slab: Uint8Array | null;
}

export class ByteRing {
  readonly #limit: number;
  #blocks: Block[] = [];
  /** Index of the oldest block still kept; those before it are cut off in batches. */
  #first = 0;
  #start: number;
  #end: number;

  /** limit: bytes kept; the newest block is always kept whole. start: the offset of the first byte to come. */
  constructor(limit: number, start = 0) {
    this.#limit = limit;
    this.#start = start;
    this.#end = start;
  }

  /** The oldest offset kept. */
  get start(): number {
    return this.#start;
  }

  /** One past the newest byte. */
  get end(): number {
    return this.#end;
  }

  append(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    if (bytes.byteLength < smallBlock) {
      this.#gather(bytes);
    } else {
      this.#blocks.push({ start: this.#end, bytes, slab: null });
    }
    this.#end += bytes.byteLength;
    this.#trim();
  }

  /** Forgets everything and goes on at `start`. */
  restart(start: number): void {
    this.#blocks = [];
    this.#first = 0;
    this.#start = start;
    this.#end = start;
  }

  /** Up to `most` bytes from `offset`, within one block; null when nothing is there (yet, or any more). */
  read(offset: number, most: number): Uint8Array | null {
    if (offset < this.#start || offset >= this.#end) return null;
    let low = this.#first;
    let high = this.#blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#blocks[middle] as Block).start <= offset) low = middle;
      else high = middle - 1;
    }
    const block = this.#blocks[low] as Block;
    return block.bytes.subarray(offset - block.start, offset - block.start + most);
  }

  /** A copy of up to `most` bytes from `offset` on; empty where nothing is (yet, or any more). */
  copy(offset: number, most: number): Uint8Array<ArrayBuffer> {
    const inside = offset >= this.#start && offset < this.#end;
    const copy = new Uint8Array(inside ? Math.min(most, this.#end - offset) : 0);
    for (let filled = 0; filled < copy.byteLength;) {
      const part = this.read(offset + filled, copy.byteLength - filled) as Uint8Array;
      copy.set(part, filled);
      filled += part.byteLength;
    }
    return copy;
  }

  #gather(bytes: Uint8Array): void {
    const last = this.#blocks.at(-1);
    const used = last?.bytes.byteLength ?? 0;
    if (last?.slab != null && used + bytes.byteLength <= last.slab.byteLength) {
      last.slab.set(bytes, used);
      last.bytes = last.slab.subarray(0, used + bytes.byteLength);
      return;
    }
    const slab = new Uint8Array(last === undefined ? firstSlabSize : slabSize);
    slab.set(bytes);
    this.#blocks.push({ start: this.#end, bytes: slab.subarray(0, bytes.byteLength), slab });
  }

  #trim(): void {
    while (this.#end - this.#start > this.#limit && this.#first < this.#blocks.length - 1) {
      this.#first += 1;
      this.#start = (this.#blocks[this.#first] as Block).start;
    }
    if (this.#first > 64 && this.#first * 2 > this.#blocks.length) {
      this.#blocks = this.#blocks.slice(this.#first);
      this.#first = 0;
    }
  }
}
