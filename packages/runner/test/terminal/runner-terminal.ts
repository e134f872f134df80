import { pino } from 'pino';
import { expect } from 'vitest';
import { ByteRing } from '@holdfast/core/stream/byte-ring.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import { LazyScreen } from '@holdfast/runner/terminal/lazy-screen.ts';
import type { ScreenModels } from '@holdfast/runner/terminal/screen-models.ts';

interface Surroundings {
  readonly models: ScreenModels;
  readonly size: { readonly cols: number; readonly rows: number };
}

/** A terminal's screen as the runner has it, and what of it would be there after a kill -9. */
export class RunnerTerminal {
  readonly #output: readonly Uint8Array[];
  readonly ring: ByteRing;
  readonly screen: LazyScreen;
  /** As files, the holder's notes and the holder's stream would have it. */
  checkpoint: Screen | null;
  skip: { base: number; to: number } | null;
  released: number;

  constructor({ models, size }: Surroundings, output: readonly Uint8Array[], survived: RunnerTerminal | null) {
    this.#output = output;
    this.checkpoint = survived?.checkpoint ?? null;
    this.skip = survived?.skip ?? null;
    this.released = survived?.released ?? 0;
    const base = this.checkpoint ?? { offset: this.released, ...size, ansi: '' };
    const from = this.skip?.base === base.offset ? this.skip.to : base.offset;
    expect(from).toBeGreaterThanOrEqual(this.released);
    this.ring = new ByteRing(1024 * 1024, from);
    this.screen = new LazyScreen({
      ring: this.ring,
      base,
      from,
      resizes: [],
      models,
      saveCheckpoint: async (screen) => {
        this.checkpoint = screen;
        this.released = Math.max(this.released, screen.offset);
      },
      saveSkip: (skipBase, to) => {
        this.skip = { base: skipBase, to };
        this.released = Math.max(this.released, to);
      },
      log: pino({ level: 'silent' }),
    });
  }

  /** Reads what it has not read of all output. */
  async read(): Promise<void> {
    let offset = 0;
    for (const block of this.#output) {
      const end = offset + block.length;
      if (end > this.ring.end) {
        const bytes = block.subarray(Math.max(0, this.ring.end - offset));
        this.ring.append(bytes);
        await this.screen.grown(bytes);
      }
      offset = end;
    }
  }
}
