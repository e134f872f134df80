/** Types numbered lines into a shell that keeps them in a file, and reads there what arrived. */
import { existsSync, readFileSync } from 'node:fs';
import type { InputHandle } from '@holdfast/link/client-interface.ts';

export class Typist {
  readonly sessionId: string;
  readonly #keys: InputHandle;
  readonly #file: string;
  #typed = 0;

  /** file: where the shell puts what it is given. */
  constructor(keys: InputHandle, sessionId: string, file: string) {
    this.#keys = keys;
    this.sessionId = sessionId;
    this.#file = file;
  }

  get begun(): boolean {
    return existsSync(this.#file);
  }

  get typed(): number {
    return this.#typed;
  }

  /** A key that is refused (the shell is gone, or too much waits) was not typed. */
  type(): void {
    if (this.#keys.write(`key-${this.#typed + 1}\r`).ok) this.#typed += 1;
  }

  /** Everything typed is there. */
  get arrived(): boolean {
    return this.#landed().length === this.#typed;
  }

  /** What is there is the beginning of what was typed, each line once and in order. */
  get problems(): string[] {
    return this.#landed().flatMap((line, index) =>
      line === `key-${index + 1}` ? [] : [`${this.sessionId}: ${line} is line ${index + 1}`],
    );
  }

  /** Whole lines only: the last one may be on its way. */
  #landed(): readonly string[] {
    return this.begun ? readFileSync(this.#file, 'utf8').split('\n').slice(0, -1) : [];
  }
}
