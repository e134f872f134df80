/**
 * Cuts a byte stream where a terminal's parser is at rest: not inside an escape sequence and not inside a UTF-8
 * character. A screen taken there, and the bytes after it, make up the same terminal as the whole stream.
 */

type State = 'ground' | 'escape' | 'csi' | 'osc' | 'string';

const ESC = 0x1b;
/** C1 controls are C2 80 to C2 9F. */
const c1Lead = 0xc2;
/** A sequence longer than this (an image) is passed on in parts; until it ends no cut is at rest. */
const heldLimit = 64 * 1024;
/** Begins a sequence that no terminal knows, and that ends as the one that was begun. */
const unknown: Readonly<Partial<Record<State, string>>> = { osc: '\x1b]65535;', string: '\x1bPz' };

export class CompleteSequences {
  #state: State = 'ground';
  #held: Uint8Array = new Uint8Array(0);
  /** The beginning of the sequence we are in has been given out. */
  #begun = false;

  /** Bytes taken in and not yet given out. */
  get held(): number {
    return this.#held.length;
  }

  /** A sequence has begun and not ended. */
  get inside(): boolean {
    return this.#state !== 'ground';
  }

  /** After a screen that was taken here: what follows is the rest of a sequence, of which nothing is shown. */
  get beginning(): string {
    return this.#begun ? (unknown[this.#state] ?? '') : '';
  }

  /** Goes on after this text, which is not given out again. */
  goOnAfter(text: string): void {
    const escape = text.lastIndexOf('\x1b');
    if (escape === -1) return;
    this.push(new TextEncoder().encode(text.slice(escape)));
    this.#begun = this.inside;
    this.drop();
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
    if (rest > 0) this.#begun = false;
    if (all.length - rest > heldLimit) {
      rest = all.length;
      this.#begun = true;
    }
    this.#held = all.slice(rest);
    return all.subarray(0, rest);
  }

  /** Goes on at `from` with the state reached there; returns the last place of rest. */
  #scan(bytes: Uint8Array, from: number): number {
    let index = from;
    // What was held began at rest.
    let rest = 0;
    let c1 = -1;
    while (index < bytes.length) {
      if (this.#state === 'ground') {
        if (c1 < index) c1 = nextC1(bytes, Math.max(0, index - 1));
        const escape = bytes.indexOf(ESC, index);
        const next = escape === -1 ? c1 : Math.min(escape, c1);
        if (next === bytes.length) return completeCharacters(bytes);
        rest = next === escape ? next : next - 1;
        index = next + 1;
        this.#state = next === escape ? 'escape' : (stateOfC1(bytes[next] as number) ?? 'ground');
        continue;
      }
      this.#state = after(this.#state, bytes[index] as number, bytes[index - 1]);
      index += 1;
      if (this.#state === 'ground') rest = index;
    }
    return this.#state === 'ground' ? completeCharacters(bytes) : rest;
  }
}

/** Where the next one that begins a sequence has its second byte; the end: there is none. */
function nextC1(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(c1Lead, from); at !== -1; at = bytes.indexOf(c1Lead, at + 1)) {
    const second = bytes[at + 1];
    if (second !== undefined && stateOfC1(second) !== null) return at + 1;
  }
  return bytes.length;
}

/** null: it begins nothing. */
function stateOfC1(second: number): State | null {
  if (second === 0x9b) return 'csi';
  if (second === 0x9d) return 'osc';
  return second === 0x90 || second === 0x98 || second === 0x9e || second === 0x9f ? 'string' : null;
}

/** The parser's state after one more byte inside a sequence. */
function after(state: State, byte: number, before: number | undefined): State {
  if (byte === 0x18 || byte === 0x1a) return 'ground';
  if (byte === ESC) return 'escape';
  if (before === c1Lead && byte >= 0x80 && byte < 0xa0) return stateOfC1(byte) ?? 'ground';
  switch (state) {
    case 'escape':
      if (byte === 0x5b) return 'csi';
      if (byte === 0x5d) return 'osc';
      if (byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f) return 'string';
      return byte < 0x30 || byte === 0x7f || byte >= 0xc0 ? 'escape' : 'ground';
    case 'csi':
      return byte < 0x40 || byte >= 0x7f ? 'csi' : 'ground';
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
