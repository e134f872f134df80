/**
 * A terminal's screen, parsed only when somebody asks or too much is unparsed. Bytes wait in the terminal's ring; what
 * is parsed is kept as a checkpoint now and then, before which nothing of the output is needed any more.
 */
import type { Logger } from 'pino';
import type { Screen } from '@holdfast/protocol/screen.ts';
import type { ByteRing } from './byte-ring.ts';
import type { Snapshot } from './screen-model.ts';
import { ScreenThreadLost } from './screen-models.ts';
import type { RemoteScreenModel, ScreenModels } from './screen-models.ts';

/** From this offset of the output on, the terminal has this size. */
export interface Resize {
  readonly offset: number;
  readonly cols: number;
  readonly rows: number;
}

export interface LazyScreenOptions {
  readonly ring: ByteRing;
  /** Where the ring begins: what was on the screen there. */
  readonly base: Screen;
  /** Sizes since then, ascending by offset. */
  readonly resizes: readonly Resize[];
  readonly models: ScreenModels;
  /** Makes the checkpoint durable, then lets go of the output before it. */
  saveCheckpoint(screen: Screen): Promise<void>;
  readonly log: Logger;
}

/** Unparsed bytes that are parsed without being asked for, and bytes since the last checkpoint that make a new one. */
const lazyLimit = 512 * 1024;
/** Bytes in the screen thread and not parsed; beyond it no more output is read. */
const backlogLimit = 2 * 1024 * 1024;
/** Milliseconds between two checkpoints: in a flood each costs a few milliseconds of the thread. */
const checkpointPause = 250;

export class LazyScreen {
  readonly #options: LazyScreenOptions;
  #base: Screen;
  /** Since #base; the first #applied of them are in the model. */
  #resizes: Resize[];
  #applied = 0;
  #model: RemoteScreenModel | null = null;
  /** All before this offset is in the model, or on its way to it. */
  #fed: number;
  #backlog = 0;
  #drained: { promise: Promise<void>; resolve: () => void } | null = null;
  #cached: { end: number; applied: number; snapshot: Promise<Snapshot> } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #saving: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: LazyScreenOptions) {
    this.#options = options;
    this.#base = options.base;
    this.#fed = options.base.offset;
    this.#resizes = [...options.resizes];
  }

  /** The size the terminal has now. */
  get size(): { cols: number; rows: number } {
    const { cols, rows } = this.#resizes.at(-1) ?? this.#base;
    return { cols, rows };
  }

  /** Sizes that are not in the last checkpoint yet. */
  get resizes(): readonly Resize[] {
    return this.#resizes;
  }

  /** The ring has grown. A promise: the parser is behind; read on when it resolves. */
  grown(): Promise<void> | undefined {
    const { end } = this.#options.ring;
    if (end - this.#fed <= lazyLimit) return undefined;
    this.#feed();
    this.#scheduleCheckpoint();
    if (this.#backlog <= backlogLimit) return undefined;
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  /** From the ring's end on. */
  resized(cols: number, rows: number): void {
    this.#resizes.push({ offset: this.#options.ring.end, cols, rows });
  }

  /** Output is missing before `offset`, where the ring goes on: begin again with an empty screen. */
  reset(offset: number): void {
    const { cols, rows } = this.size;
    this.#forgetModel();
    this.#base = { offset, cols, rows, ansi: '' };
    this.#fed = offset;
    this.#resizes = [];
  }

  /** Of all output in the ring. */
  async snapshot(): Promise<Snapshot> {
    try {
      return await this.#snapshotNow();
    } catch (error) {
      if (!(error instanceof ScreenThreadLost)) throw error;
      return this.#snapshotNow();
    }
  }

  /** Saves a checkpoint when output came since the last one. */
  async checkpoint(): Promise<void> {
    const saving = this.#saving.then(() => this.#save());
    this.#saving = saving.catch(() => undefined);
    return saving;
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#forgetModel();
  }

  #snapshotNow(): Promise<Snapshot> {
    const { end } = this.#options.ring;
    const lost = this.#model?.lost ?? false;
    const cached = this.#cached;
    if (!lost && cached !== null && cached.end === end && cached.applied === this.#resizes.length) {
      return cached.snapshot;
    }
    const model = this.#feed();
    const snapshot = model.snapshot();
    const fresh = { end, applied: this.#resizes.length, snapshot };
    this.#cached = fresh;
    snapshot.catch(() => {
      if (this.#cached === fresh) this.#cached = null;
    });
    return snapshot;
  }

  async #save(): Promise<void> {
    if (this.#closed || this.#options.ring.end === this.#base.offset) return;
    const before = this.#base;
    const snapshot = this.snapshot();
    // All of them are in the snapshot: feeding is done before it is asked for.
    const included = this.#resizes.length;
    const { screen } = await snapshot;
    await this.#options.saveCheckpoint(screen);
    // A reset meanwhile has begun a new history, to which this screen does not belong.
    if (this.#base !== before) return;
    this.#base = screen;
    this.#resizes = this.#resizes.slice(included);
    this.#applied = Math.max(0, this.#applied - included);
    this.#cached = null;
  }

  #scheduleCheckpoint(): void {
    if (this.#closed || this.#timer !== null || this.#options.ring.end - this.#base.offset <= lazyLimit) return;
    this.#timer = setTimeout(() => {
      this.checkpoint()
        .catch((error: unknown) => this.#options.log.warn({ err: error }, 'a screen checkpoint could not be saved'))
        .finally(() => {
          this.#timer = null;
          this.#scheduleCheckpoint();
        });
    }, checkpointPause);
    this.#timer.unref();
  }

  /** Moves everything in the ring to the model, sizes in their places. */
  #feed(): RemoteScreenModel {
    const { ring } = this.#options;
    const model = this.#openModel();
    for (;;) {
      const resize = this.#resizes[this.#applied];
      const end = Math.min(resize?.offset ?? ring.end, ring.end);
      while (this.#fed < end) this.#write(model, Math.min(end - this.#fed, lazyLimit));
      if (resize === undefined) return model;
      model.resize(resize.cols, resize.rows);
      this.#applied += 1;
    }
  }

  #write(model: RemoteScreenModel, length: number): void {
    const bytes = this.#options.ring.read(this.#fed, length);
    this.#fed += bytes.length;
    this.#backlog += bytes.length;
    const size = bytes.length;
    const settled = (): void => {
      this.#backlog -= size;
      if (this.#backlog > backlogLimit / 2) return;
      this.#drained?.resolve();
      this.#drained = null;
    };
    // A lost thread is noticed at the next feed.
    model.write(bytes).then(settled, settled);
  }

  #openModel(): RemoteScreenModel {
    if (this.#model !== null && !this.#model.lost) return this.#model;
    this.#forgetModel();
    const { ring, models } = this.#options;
    if (this.#base.offset < ring.start) this.reset(ring.start);
    this.#fed = this.#base.offset;
    this.#model = models.open(this.#base);
    return this.#model;
  }

  #forgetModel(): void {
    this.#model?.close();
    this.#model = null;
    this.#applied = 0;
    this.#cached = null;
  }
}
