/** How many input streams of one process are remembered; of more, the one unused longest is forgotten. */
const remembered = 4_096;

/** How far each input stream of a process has been written to it. Lives as long as the process, so beyond any client. */
export class InputPositions {
  /** By name: all before is the child's. In order of use. */
  readonly #written = new Map<string, number>();

  /** undefined: not seen, or forgotten. */
  of(stream: string): number | undefined {
    return this.#written.get(stream);
  }

  set(stream: string, written: number): void {
    this.#written.delete(stream);
    this.#written.set(stream, written);
    if (this.#written.size <= remembered) return;
    for (const oldest of this.#written.keys()) {
      this.#written.delete(oldest);
      return;
    }
  }
}
