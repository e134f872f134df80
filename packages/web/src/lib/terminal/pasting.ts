/** Pastes, however large, go into the terminal's input piece by piece, as fast as that takes them; keys wait behind. */
import { pastePieces, pasteRest } from './paste.ts';

/** Bytes un-acknowledged up to which the next piece is handed over. */
const ahead = 256 * 1024;
/** Characters from which a paste has a progress. */
const shownFrom = 64 * 1024;
/** Characters of keys that may wait behind a paste. */
const keysLimit = 64 * 1024;
const interrupt = '\x03';

export interface PasteProgress {
  /** Characters. */
  readonly sent: number;
  readonly total: number;
}

export class Pasting {
  readonly #write: (data: string) => boolean;
  readonly #progress: (progress: PasteProgress | null) => void;
  #pending = 0;
  #pieces: string[] = [];
  #keys = '';
  #bracketed = false;
  #total = 0;
  #going = false;

  /** write: false when it was refused, which ends the paste. */
  constructor(write: (data: string) => boolean, progress: (progress: PasteProgress | null) => void) {
    this.#write = write;
    this.#progress = progress;
  }

  /** false: another one is still going in. */
  begin(text: string, bracketed: boolean): boolean {
    if (this.#pieces.length > 0) return false;
    this.#pieces = pastePieces(text, bracketed);
    this.#bracketed = bracketed;
    this.#total = text.length;
    this.#go();
    return true;
  }

  /** Typed. Behind a paste it waits, but for Ctrl+C, which ends the paste. */
  key(data: string): void {
    if (this.#pieces.length === 0) this.#write(data);
    else if (data === interrupt) {
      this.stop();
      this.#write(data);
    } else if (this.#keys.length + data.length <= keysLimit) this.#keys += data;
  }

  /** Of what was written, so many bytes have not reached the terminal. */
  pending(bytes: number): void {
    this.#pending = bytes;
    this.#go();
  }

  /** What has not been handed over is not pasted, and what was typed meanwhile is dropped. */
  stop(): void {
    if (this.#pieces.length === 0) return;
    this.#pieces = pasteRest(this.#bracketed);
    this.#keys = '';
    this.#pending = 0;
    this.#go();
  }

  #go(): void {
    // A write tells at once how much is pending.
    if (this.#going) return;
    this.#going = true;
    while (this.#pieces.length > 0 && this.#pending < ahead) {
      const piece = this.#pieces.shift() ?? '';
      this.#pending += piece.length;
      if (!this.#write(piece)) this.#pieces = [];
    }
    const left = this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
    this.#progress(left > 0 && this.#total >= shownFrom ? { sent: this.#total - left, total: this.#total } : null);
    if (this.#pieces.length === 0 && this.#keys !== '') {
      const keys = this.#keys;
      this.#keys = '';
      this.#write(keys);
    }
    this.#going = false;
  }
}
