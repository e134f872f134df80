/** Bytes of a stream, in any pieces, as whole lines with the position each ends at. */

export interface Line {
  readonly text: string;
  /** Absolute offset one past the line's newline. */
  readonly end: number;
}

/** Bytes. No message of the agent comes near it; a line beyond it is left out, so that what is held stays bounded. */
const longestLine = 64 * 1024 * 1024;
const newline = 0x0a;

export class LineSplitter {
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** The line under way is longer than may be held. */
  #overlong = false;

  /** offset: of the first byte of `bytes`. */
  push(offset: number, bytes: Uint8Array): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, start)) {
      this.#hold(bytes.subarray(start, at));
      if (!this.#overlong) {
        lines.push({ text: Buffer.concat(this.#pieces, this.#held).toString('utf8'), end: offset + at + 1 });
      }
      this.reset();
      start = at + 1;
    }
    this.#hold(bytes.subarray(start));
    return lines;
  }

  /** Forgets the line under way: its rest will not come. */
  reset(): void {
    this.#pieces = [];
    this.#held = 0;
    this.#overlong = false;
  }

  #hold(piece: Uint8Array): void {
    if (this.#overlong || piece.length === 0) return;
    this.#held += piece.length;
    if (this.#held > longestLine) {
      this.#pieces = [];
      this.#overlong = true;
    } else {
      this.#pieces.push(piece);
    }
  }
}
