/**
 * Cuts a byte stream where a terminal's parser is at rest: not inside an escape sequence and not inside a UTF-8
 * character. A screen taken there, and the bytes after it, make up the same terminal as the whole stream. (8-bit C1
 * controls are not looked for: no program of today sends them in UTF-8. Nor is a cut between the parts of one joined
 * emoji: there the parts are shown one after the other until the line is drawn again.)
 */

type State = 'ground' | 'escape' | 'csi' | 'osc' | 'string';

const ESC = 0x1b;
/** A sequence longer than this (an image) is passed on in parts; until it ends no cut is at rest. */
const heldLimit = 64 * 1024;

export class CompleteSequences {
  #state: State = 'ground';
  #held: Uint8Array = new Uint8Array(0);

  /** Bytes taken in and not yet given out. */
  get held(): number {
    return this.#held.length;
  }

  /** A sequence has begun and not ended. */
  get inside(): boolean {
    return this.#state !== 'ground';
  }

  /** Forgets what is held; how much that was. */
  drop(): number {
    const { length } = this.#held;
    this.#held = new Uint8Array(0);
    return length;
  }

  /** All up to the last place of rest, beginning with what was held before. */
  push(bytes: Uint8Array): Uint8Array {
    const all = this.#held.length === 0 ? bytes : joined(this.#held, bytes);
    let rest = this.#scan(all, this.#held.length);
    if (all.length - rest > heldLimit) rest = all.length;
    this.#held = all.slice(rest);
    return all.subarray(0, rest);
  }

  /** Goes on at `from` with the state reached there; returns the last place of rest. */
  #scan(bytes: Uint8Array, from: number): number {
    let index = from;
    // What was held began at rest.
    let rest = 0;
    while (index < bytes.length) {
      if (this.#state === 'ground') {
        const escape = bytes.indexOf(ESC, index);
        if (escape === -1) return completeCharacters(bytes);
        rest = escape;
        index = escape + 1;
        this.#state = 'escape';
        continue;
      }
      this.#state = after(this.#state, bytes[index] as number);
      index += 1;
      if (this.#state === 'ground') rest = index;
    }
    return this.#state === 'ground' ? completeCharacters(bytes) : rest;
  }
}

/** The parser's state after one more byte inside a sequence. */
function after(state: State, byte: number): State {
  if (byte === 0x18 || byte === 0x1a) return 'ground';
  if (byte === ESC) return 'escape';
  switch (state) {
    case 'escape':
      if (byte === 0x5b) return 'csi';
      if (byte === 0x5d) return 'osc';
      if (byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f) return 'string';
      return byte < 0x30 || byte === 0x7f ? 'escape' : 'ground';
    case 'csi':
      return byte < 0x40 || byte === 0x7f ? 'csi' : 'ground';
    case 'osc':
      return byte === 0x07 ? 'ground' : 'osc';
    case 'string':
    case 'ground':
      return state;
  }
}

/** The length of `bytes` without an unfinished UTF-8 character at its end. */
function completeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return size > back ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
