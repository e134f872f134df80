/** A terminal that prints n-1, n-2, …, as one watcher read it: every number once and in order, whatever happened between. */
export const printNumberedLines = 'i=0; while :; do i=$((i+1)); echo n-$i; sleep 0.02; done';

const endOfMark = '\x07';

export class NumberedLines {
  readonly problems: string[] = [];
  /** Screens that took the place of output; the numbers before them were not seen here. */
  screens = 0;
  #last = 0;
  #offset: number | null = null;
  #rest = '';
  #jump = false;
  readonly #decoder = new TextDecoder();

  get last(): number {
    return this.#last;
  }

  output(offset: number, data: Uint8Array): void {
    if (this.#offset !== null && offset !== this.#offset) {
      this.problems.push(`output at ${offset} after output up to ${this.#offset}`);
    }
    this.#offset = offset + data.byteLength;
    const lines = (this.#rest + this.#decoder.decode(data, { stream: true })).split(/\r?\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  screen(offset: number): void {
    if (this.#offset !== null) this.screens += 1;
    this.#offset = offset;
    this.#rest = '';
    this.#jump = true;
  }

  #line(line: string): void {
    // The first line comes after the shell's mark of where output begins.
    const [, digits] = /(?:^|\r)n-(\d+)$/.exec(line.slice(line.lastIndexOf(endOfMark) + 1)) ?? [];
    if (digits === undefined) return;
    const number = Number(digits);
    if (this.#jump ? number <= this.#last : number !== this.#last + 1) {
      this.problems.push(`n-${number} after n-${this.#last}`);
    }
    this.#jump = false;
    this.#last = number;
  }
}
