/** A terminal's output, in portions, as plain text: a sequence or a character that is cut between two is kept until it is whole. */
import { plain } from './output.ts';

/** UTF-16 units of a sequence that has not ended: beyond, it is none. */
const longest = 8_192;
/** An escape sequence that has begun at the end of the text and not ended: CSI, a string, or the escape alone. */
// eslint-disable-next-line no-control-regex -- these are what it is about
const unfinished = /\u001b(?:\[[0-?]*[ -/]*|[\]PX^_][^\u0007\u001b]*\u001b?|[ -/]*)?$/;

export class PlainStream {
  readonly #decoder = new TextDecoder();
  #rest = '';

  next(data: Uint8Array): string {
    return this.#add(this.#decoder.decode(data, { stream: true }));
  }

  /** In place of what came before. */
  whole(text: string): string {
    this.#rest = '';
    return this.#add(text);
  }

  #add(text: string): string {
    const all = this.#rest + text;
    const cut = unfinished.exec(all);
    this.#rest = cut !== null && cut[0].length <= longest ? cut[0] : '';
    return plain(all.slice(0, all.length - this.#rest.length));
  }
}
