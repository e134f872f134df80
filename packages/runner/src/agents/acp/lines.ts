/** A byte stream with absolute offsets → its lines. */

export interface Line {
  /** Offset of its first byte. */
  readonly start: number;
  /** One past its newline: where the next line begins. */
  readonly end: number;
  /** Without the newline; null when it was longer than the limit and was dropped. */
  readonly text: string | null;
}

const newline = 0x0a;

export class LineSplitter {
  readonly #limit: number;
  #start: number;
  #next: number;
  #parts: Uint8Array[] = [];
  #size = 0;
  #tooLong = false;

  /** from: offset of the first byte to come; limit: longest line kept, in bytes. */
  constructor(from: number, limit: number) {
    this.#start = from;
    this.#next = from;
    this.#limit = limit;
  }

  /** One past the newest byte seen. */
  get end(): number {
    return this.#next;
  }

  /** Bytes are contiguous; they are kept until their line is complete. */
  push(bytes: Uint8Array): Line[] {
    const lines: Line[] = [];
    let begin = 0;
    for (;;) {
      const at = bytes.indexOf(newline, begin);
      if (at === -1) break;
      this.#keep(bytes.subarray(begin, at));
      const end = this.#next + at + 1;
      lines.push({
        start: this.#start,
        end,
        text: this.#tooLong ? null : Buffer.concat(this.#parts, this.#size).toString('utf8'),
      });
      this.#begin(end);
      begin = at + 1;
    }
    this.#keep(bytes.subarray(begin));
    this.#next += bytes.length;
    return lines;
  }

  /** Bytes before `to` are lost: the line under way goes with them. */
  skip(to: number): void {
    this.#next = to;
    this.#begin(to);
  }

  #begin(start: number): void {
    this.#start = start;
    this.#parts = [];
    this.#size = 0;
    this.#tooLong = false;
  }

  #keep(part: Uint8Array): void {
    if (part.length === 0 || this.#tooLong) return;
    if (this.#size + part.length > this.#limit) {
      this.#tooLong = true;
      this.#parts = [];
      this.#size = 0;
      return;
    }
    this.#parts.push(part);
    this.#size += part.length;
  }
}
