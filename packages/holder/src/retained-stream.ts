/**
 * Bytes with absolute offsets, kept until they are released: the newest in memory, older ones on disk.
 * Kept at most: memoryBytes + diskBytes. Beyond that `drop` forgets the oldest bytes; `wait` keeps everything and says
 * `full`, upon which its owner stops reading what it appends (it may still append what was under way).
 */

export interface Retention {
  readonly memoryBytes: number;
  /** 0: nothing goes to disk. */
  readonly diskBytes: number;
  readonly whenFull: 'drop' | 'wait';
}

/** Where bytes go that memory has no room for. Contiguous. */
export interface Spill {
  /** Bytes that follow those before them. @returns false: the disk took none of them. */
  append(offset: number, bytes: Uint8Array): boolean;
  /** At least one byte, at most `limit`, from `offset` on. @returns null: the disk lost them. */
  read(offset: number, limit: number): Uint8Array | null;
  /** What is before `start` is not needed any more. */
  trim(start: number): void;
  dispose(): void;
}

interface Block {
  /** Of its first byte. */
  readonly start: number;
  readonly bytes: Uint8Array;
  used: number;
}

/** The first block of a stream is small, so that an idle session costs next to nothing. */
const firstBlockBytes = 4 * 1024;
const blockBytes = 64 * 1024;

export class RetainedStream {
  readonly #retention: Retention;
  readonly #openSpill: () => Spill;
  #spill: Spill | null = null;
  /** One past the newest byte on disk; what is kept from there on is in memory. */
  #spilled = 0;
  #diskFailed = false;
  #blocks: Block[] = [];
  #start = 0;
  #end = 0;
  #ended = false;

  constructor(retention: Retention, openSpill: () => Spill) {
    this.#retention = retention;
    this.#openSpill = openSpill;
  }

  /** The oldest byte kept. */
  get start(): number {
    return this.#start;
  }

  /** One past the newest byte. */
  get end(): number {
    return this.#end;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Nothing more should be appended until something is released. */
  get full(): boolean {
    if (this.#retention.whenFull === 'drop') return false;
    const { memoryBytes, diskBytes } = this.#retention;
    return this.#end - this.#start >= memoryBytes + (this.#diskFailed ? 0 : diskBytes);
  }

  /** Copies. */
  append(bytes: Uint8Array): void {
    for (let taken = 0; taken < bytes.length;) {
      const block = this.#tail();
      const part = bytes.subarray(taken, taken + block.bytes.length - block.used);
      block.bytes.set(part, block.used);
      block.used += part.length;
      taken += part.length;
      this.#end += part.length;
    }
    this.#makeRoom();
  }

  /** No byte comes after this. */
  finish(): void {
    this.#ended = true;
  }

  /**
   * At least one byte and at most `limit` from `offset` on; start ≤ offset < end. The bytes are never written again.
   * Null when the disk lost them: what is before the new `start` is gone.
   */
  read(offset: number, limit: number): Uint8Array | null {
    if (offset < this.#spilled && this.#spill !== null) {
      const bytes = this.#spill.read(offset, Math.min(limit, this.#spilled - offset));
      if (bytes === null) this.#forget(this.#spilled);
      return bytes;
    }
    for (const block of this.#blocks) {
      if (offset >= block.start + block.used) continue;
      const from = offset - block.start;
      return block.bytes.subarray(from, Math.min(block.used, from + limit));
    }
    throw new Error(`offset ${offset} is not in [${this.#start}, ${this.#end})`);
  }

  /** What is before `offset` is not needed any more. An offset already released, or beyond the end, is no error. */
  release(offset: number): void {
    this.#forget(Math.min(offset, this.#end));
  }

  dispose(): void {
    this.#spill?.dispose();
    this.#spill = null;
    this.#blocks = [];
    this.#start = this.#end;
  }

  #tail(): Block {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.used < last.bytes.length) return last;
    const size = last === undefined ? firstBlockBytes : blockBytes;
    const block = { start: this.#end, bytes: Buffer.allocUnsafeSlow(size), used: 0 };
    this.#blocks.push(block);
    return block;
  }

  #makeRoom(): void {
    const { memoryBytes, diskBytes, whenFull } = this.#retention;
    const kept = memoryBytes + diskBytes;
    if (whenFull === 'drop' && this.#end - this.#start > kept) this.#forget(this.#end - kept);
    if (diskBytes === 0) return;
    while (this.#end - this.#memoryStart() > memoryBytes && this.#blocks.length > 1) {
      const block = this.#blocks[0] as Block;
      const from = Math.max(block.start, this.#start);
      this.#spill ??= this.#openSpill();
      this.#diskFailed = !this.#spill.append(from, block.bytes.subarray(from - block.start, block.used));
      if (!this.#diskFailed) {
        this.#spilled = block.start + block.used;
        this.#blocks.shift();
      } else if (whenFull === 'drop') {
        this.#forget(block.start + block.used);
      } else {
        return;
      }
    }
  }

  #memoryStart(): number {
    return Math.max(this.#start, this.#spilled);
  }

  #forget(start: number): void {
    if (start <= this.#start) return;
    this.#start = start;
    while (this.#blocks[0] !== undefined && this.#blocks[0].start + this.#blocks[0].used <= start) this.#blocks.shift();
    if (this.#spill === null) return;
    if (start < this.#spilled) {
      this.#spill.trim(start);
      return;
    }
    this.#spill.dispose();
    this.#spill = null;
  }
}
