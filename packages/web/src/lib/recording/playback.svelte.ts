/** Plays a cast into a terminal: at a speed, from any moment. Backwards is from the beginning again. */
import { type Cast, parseSize } from './cast.ts';

export interface PlaybackScreen {
  reset(cols: number, rows: number): void;
  resize(cols: number, rows: number): void;
  /** Resolves when it is shown. */
  write(text: string): Promise<void>;
}

export const speeds = [1, 2, 4] as const;
/** UTF-16 units written in one go. */
const piece = 256 * 1024;

export class Playback {
  readonly cast: Cast;
  /** ms. */
  position = $state(0);
  playing = $state(false);
  speed: (typeof speeds)[number] = $state(1);
  readonly #screen: PlaybackScreen;
  /** The event that is next. */
  #next = 0;
  #wanted = 0;
  #showing: Promise<void> | null = null;
  #frame = 0;
  #frameAt = 0;

  constructor(cast: Cast, screen: PlaybackScreen) {
    this.cast = cast;
    this.#screen = screen;
    screen.reset(cast.cols, cast.rows);
    this.seek(0);
  }

  toggle(): void {
    if (this.playing) return this.pause();
    if (this.position >= this.cast.length) this.seek(0);
    this.playing = true;
    this.#frameAt = performance.now();
    this.#frame = requestAnimationFrame((now) => this.#step(now));
  }

  pause(): void {
    this.playing = false;
    cancelAnimationFrame(this.#frame);
  }

  nextSpeed(): void {
    this.speed = speeds[(speeds.indexOf(this.speed) + 1) % speeds.length] ?? 1;
  }

  seek(position: number): void {
    this.position = position;
    this.#wanted = position;
    this.#showing ??= this.#show().finally(() => {
      this.#showing = null;
    });
  }

  #step(now: number): void {
    const { length } = this.cast;
    // What is still being drawn is waited for: the clock does not run ahead of the screen.
    if (this.#showing === null) this.seek(Math.min(length, this.position + (now - this.#frameAt) * this.speed));
    this.#frameAt = now;
    if (this.position >= length) this.pause();
    else this.#frame = requestAnimationFrame((next) => this.#step(next));
  }

  async #show(): Promise<void> {
    const { events, cols, rows } = this.cast;
    for (;;) {
      if ((events[this.#next - 1]?.at ?? 0) > this.#wanted) {
        this.#next = 0;
        this.#screen.reset(cols, rows);
      }
      const event = events[this.#next];
      if (event === undefined || event.at > this.#wanted) return;
      if (event.code === 'o') await this.#screen.write(this.#text());
      else {
        this.#next += 1;
        const size = event.code === 'r' ? parseSize(event.data) : null;
        if (size !== null) this.#screen.resize(size.cols, size.rows);
      }
    }
  }

  /** As much output as goes in one piece; moves on behind it. */
  #text(): string {
    let text = '';
    for (let event = this.cast.events[this.#next]; event?.code === 'o'; event = this.cast.events[this.#next]) {
      if (event.at > this.#wanted || text.length > piece) break;
      text += event.data;
      this.#next += 1;
    }
    return text;
  }
}
