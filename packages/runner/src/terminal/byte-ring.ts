/** The newest bytes of a stream, by absolute offset. Takes no memory before the first byte, and never more than its limit. */

const smallest = 4 * 1024;

export class ByteRing {
  readonly limit: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #start: number;
  #end: number;

  /** start: offset of the first byte that will come. limit: bytes kept; a power of two times 4 KiB. */
  constructor(start: number, limit: number) {
    this.limit = limit;
    this.#start = start;
    this.#end = start;
  }

  /** The oldest byte still kept. */
  get start(): number {
    return this.#start;
  }

  /** One past the newest byte. */
  get end(): number {
    return this.#end;
  }

  append(bytes: Uint8Array): void {
    const kept = bytes.length > this.limit ? bytes.subarray(bytes.length - this.limit) : bytes;
    this.#makeRoom(Math.min(this.limit, this.#end - this.#start + kept.length));
    this.#end += bytes.length;
    if (this.#end - this.#start > this.#bytes.length) this.#start = this.#end - this.#bytes.length;
    const capacity = this.#bytes.length;
    const at = (this.#end - kept.length) % capacity;
    const untilWrap = Math.min(kept.length, capacity - at);
    this.#bytes.set(kept.subarray(0, untilWrap), at);
    this.#bytes.set(kept.subarray(untilWrap), 0);
  }

  /** A copy of at most `limit` bytes from `from` on; empty beyond the end. `from` must not be before start. */
  read(from: number, limit: number): Uint8Array<ArrayBuffer> {
    if (from < this.#start) throw new RangeError(`offset ${from} is no longer kept (oldest ${this.#start})`);
    const length = Math.max(0, Math.min(limit, this.#end - from));
    const copy = new Uint8Array(length);
    if (length === 0) return copy;
    const at = from % this.#bytes.length;
    const untilWrap = Math.min(length, this.#bytes.length - at);
    copy.set(this.#bytes.subarray(at, at + untilWrap));
    copy.set(this.#bytes.subarray(0, length - untilWrap), untilWrap);
    return copy;
  }

  /** Forgets everything; the next byte has this offset. */
  reset(offset: number): void {
    this.#start = offset;
    this.#end = offset;
  }

  #makeRoom(needed: number): void {
    if (needed <= this.#bytes.length) return;
    let capacity = Math.max(smallest, this.#bytes.length);
    while (capacity < needed) capacity *= 2;
    const kept = this.read(this.#start, this.#end - this.#start);
    this.#bytes = new Uint8Array(Math.min(capacity, this.limit));
    this.#end = this.#start;
    if (kept.length > 0) this.append(kept);
  }
}
