/** While less than this came within `window`, output is sent at once: an echo never waits. */
const calmBytes = 8 * 1024;
/** Milliseconds. Also the longest that output waits for more. */
export const pacingWindow = 4;
/** As much as this is worth a block of its own. */
const blockBytes = 64 * 1024;

/** When to send what a process wrote: little at once, a flood in blocks. Time (ms, monotonic) is an argument. */
export class Pacing {
  #windowStart = -pacingWindow;
  #windowBytes = 0;
  #waiting = 0;

  /** `size` bytes came. @returns true: send all there is now; false: within `pacingWindow`. */
  arrived(now: number, size: number): boolean {
    if (now - this.#windowStart >= pacingWindow) {
      this.#windowStart = now;
      this.#windowBytes = 0;
    }
    this.#windowBytes += size;
    this.#waiting += size;
    if (this.#windowBytes >= calmBytes && this.#waiting < blockBytes) return false;
    this.#waiting = 0;
    return true;
  }

  /** All there is has been sent. */
  sent(): void {
    this.#waiting = 0;
  }
}
