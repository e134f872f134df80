/**
 * A terminal's screen, parsed only when it must be. Bytes wait in the terminal's ring. What only draws is its own screen;
 * of plain text in a flood nothing but the last lines is looked at; the rest is parsed in a thread when somebody asks or
 * too much is unparsed, and kept as a checkpoint now and then. What is before a checkpoint, or has scrolled away, is not
 * needed any more.
 */
import type { ByteRing } from '@holdfast/core/stream/byte-ring.ts';
import type { Logger } from 'pino';
import { limits } from '@holdfast/protocol/limits.ts';
import type { Screen } from '@holdfast/protocol/screen.ts';
import { asDrawing } from './raw-history.ts';
import type { Snapshot } from './screen-model.ts';
import { ScreenThreadLost } from './screen-models.ts';
import type { RemoteScreenModel, ScreenModels } from './screen-models.ts';
import { isPlainText, lastLines } from './text-skip.ts';

const { scrollbackLines } = limits;

/** From this offset of the output on, the terminal has this size. */
export interface Resize {
  readonly offset: number;
  readonly cols: number;
  readonly rows: number;
}

/** What a watcher needs to go on from. whole: there are no more lines above the screen than it has. */
export interface View {
  readonly screen: Screen;
  readonly whole: boolean;
}

export interface LazyScreenOptions {
  readonly ring: ByteRing;
  /** The last checkpoint. The ring begins at its offset, or at `from`, up to which what follows it has scrolled away. */
  readonly base: Screen;
  readonly from?: number;
  /** Sizes since then, ascending by offset. */
  readonly resizes: readonly Resize[];
  readonly models: ScreenModels;
  /** Makes the checkpoint durable, then lets go of the output before it. */
  saveCheckpoint(screen: Screen): Promise<void>;
  /** The durable checkpoint of offset `base` holds from `to` on too: lets go of the output before that. */
  saveSkip(base: number, to: number): void;
  readonly log: Logger;
}

/** Unparsed bytes that are parsed without being asked for, and bytes since the last checkpoint that make a new one. */
const lazyLimit = 512 * 1024;
/** Unparsed plain text of which all but the last lines is skipped. Bytes. */
const skipLimit = 256 * 1024;
/** Drawing that is kept as it is, in a checkpoint and in one step. Bytes. */
const drawnLimit = { kept: 128 * 1024, step: 16 * 1024 };
/** Bytes in the screen thread and not parsed; beyond it no more output is read. */
const backlogLimit = 2 * 1024 * 1024;
/** Milliseconds between two checkpoints: in a flood each costs a few milliseconds of the thread. */
const checkpointPause = 250;

export class LazyScreen {
  readonly #options: LazyScreenOptions;
  #base: Screen;
  /** Since the checkpoint; #base has the first #inBase of them, the model the first #applied. */
  #resizes: Resize[];
  #inBase = 0;
  #applied = 0;
  #model: RemoteScreenModel | null = null;
  /** Output goes on from here after #base: its offset, or further where what lies between has scrolled away. */
  #from: number;
  /** #base can be had again after a crash. */
  #durable: boolean;
  /** All before this offset is in the model, on its way to it, or need not be. */
  #fed: number;
  /** The same, without what was skipped. */
  #parsed: number;
  /** All output from here on is plain text. */
  #plainFrom: number;
  /** At #fed, and at #from, plain text can be skipped (ScreenModel.calm). */
  #calm: boolean;
  #baseCalm: boolean;
  #backlog = 0;
  #drained: { promise: Promise<void>; resolve: () => void } | null = null;
  #cached: { end: number; applied: number; scrollback: number; snapshot: Promise<Snapshot> } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #saving: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: LazyScreenOptions) {
    this.#options = options;
    const { base } = options;
    this.#base = base;
    // Of an empty one nothing need be kept.
    this.#durable = true;
    this.#from = options.from ?? base.offset;
    this.#fed = this.#from;
    this.#parsed = base.offset;
    this.#plainFrom = this.#from;
    this.#calm = base.ansi === '';
    this.#baseCalm = this.#calm;
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

  /** `bytes` are new in the ring. A promise: the parser is behind; read on when it resolves. */
  grown(bytes: Uint8Array): Promise<void> | undefined {
    const { end } = this.#options.ring;
    if (!isPlainText(bytes)) this.#plainFrom = end;
    if (end - this.#fed <= skipLimit || this.#skip() || end - this.#fed <= lazyLimit) return undefined;
    this.#feed();
    this.#scheduleCheckpoint();
    if (this.#backlog <= backlogLimit) return undefined;
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  /** From the ring's end on. */
  resized(cols: number, rows: number): void {
    const { end } = this.#options.ring;
    this.#resizes.push({ offset: end, cols, rows });
    if (this.#model !== null || this.#base.ansi !== '' || this.#from < end) return;
    // Nothing is on it yet.
    this.#base = { ...this.#base, cols, rows };
    this.#inBase = this.#applied = this.#resizes.length;
  }

  /** Output is missing before `offset`, where the ring goes on: begin again with an empty screen. */
  reset(offset: number): void {
    const { cols, rows } = this.size;
    this.#forgetModel();
    this.#base = { offset, cols, rows, ansi: '' };
    this.#durable = true;
    this.#from = offset;
    this.#plainFrom = offset;
    this.#baseCalm = true;
    this.#resizes = [];
    this.#inBase = 0;
    this.#startOver();
  }

  /** Of all output in the ring, with so many lines above the screen. */
  async view(scrollback: number): Promise<View> {
    return this.#drawn(scrollback) ?? this.#parsedView(scrollback);
  }

  /** Where no parser is needed to tell it. */
  #drawn(scrollback: number): View | null {
    const { ring } = this.#options;
    this.#keepDrawing(ring.end);
    const { ansi } = this.#base;
    if (this.#model !== null || this.#applied < this.#resizes.length || ansi.length > drawnLimit.step) return null;
    // After what was drawn comes nothing, or plain text, of which the last lines are enough.
    if (this.#plainFrom > this.#from) return null;
    const text = ring.copy(this.#from, ring.end - this.#from);
    const skipped = text.length < drawnLimit.step ? 0 : lastLines(text, this.size.rows, scrollback);
    const drawing = asDrawing(text.subarray(skipped));
    if (drawing === null) return null;
    const whole = skipped === 0 || scrollback >= scrollbackLines;
    return { screen: { ...this.#base, offset: ring.end, ansi: ansi + drawing }, whole };
  }

  /** The same by the parser, with its text. */
  async snapshot(scrollback: number = scrollbackLines): Promise<Snapshot> {
    try {
      return await this.#snapshotNow(scrollback);
    } catch (error) {
      if (!(error instanceof ScreenThreadLost)) throw error;
      return this.#snapshotNow(scrollback);
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

  async #parsedView(scrollback: number): Promise<View> {
    const { screen, whole } = await this.snapshot(scrollback);
    return { screen, whole };
  }

  #snapshotNow(scrollback: number): Promise<Snapshot> {
    const { end } = this.#options.ring;
    const lost = this.#model?.lost ?? false;
    const cached = this.#cached;
    const known = !lost && cached?.end === end && cached.applied === this.#resizes.length;
    if (known && cached.scrollback === scrollback) return cached.snapshot;
    const model = this.#feed();
    const snapshot = model.snapshot(scrollback);
    const fresh = { end, applied: this.#resizes.length, scrollback, snapshot };
    this.#cached = fresh;
    snapshot.catch(() => {
      if (this.#cached === fresh) this.#cached = null;
    });
    return snapshot;
  }

  async #save(): Promise<void> {
    if (this.#closed) return;
    this.#keepDrawing(this.#options.ring.end);
    const before = this.#base;
    const unparsed = this.#model === null;
    if (unparsed ? this.#durable && this.#from === before.offset : this.#options.ring.end === before.offset) return;
    this.#durable = false;
    const wanted = unparsed ? { ...before, offset: this.#from } : this.snapshot().then(({ screen }) => screen);
    // All of them are in the snapshot: feeding is done before it is asked for.
    const included = unparsed ? this.#inBase : this.#resizes.length;
    const screen = await wanted;
    await this.#options.saveCheckpoint(screen);
    // A reset meanwhile has begun a new history, to which this screen does not belong.
    if (this.#base !== before) return;
    this.#base = screen;
    this.#durable = true;
    this.#from = Math.max(this.#from, screen.offset);
    if (!unparsed) this.#baseCalm = this.#calm && this.#fed === screen.offset;
    this.#resizes = this.#resizes.slice(included);
    this.#applied = Math.max(0, this.#applied - included);
    this.#inBase = 0;
    this.#cached = null;
  }

  #scheduleCheckpoint(): void {
    const worthwhile = this.#options.ring.end - (this.#durable ? this.#from : this.#base.offset) > skipLimit;
    if (this.#closed || this.#timer !== null || !worthwhile) return;
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

  /** Leaves out plain text that no screen will show. False: it has to be parsed. */
  #skip(): boolean {
    const { ring } = this.#options;
    if (this.#plainFrom > this.#fed) this.#keepDrawing(this.#plainFrom);
    if (!this.#calm || this.#plainFrom > this.#fed || this.#applied < this.#resizes.length) return false;
    const skipped = lastLines(ring.copy(this.#fed, ring.end - this.#fed), this.size.rows, scrollbackLines);
    if (skipped === 0) return false;
    this.#model?.skip(skipped);
    this.#fed += skipped;
    this.#cached = null;
    const holds = this.#parsed <= this.#base.offset;
    if (holds) this.#from = this.#fed;
    if (holds && this.#durable) this.#options.saveSkip(this.#base.offset, this.#from);
    else this.#scheduleCheckpoint();
    return true;
  }

  /** Adds what only draws to the checkpoint, while there is no parser. */
  #keepDrawing(upTo: number): void {
    const { ring } = this.#options;
    const length = upTo - this.#fed;
    if (this.#model !== null || this.#applied < this.#resizes.length || length <= 0 || length > drawnLimit.step) return;
    if (this.#fed < ring.start || this.#base.ansi.length + length > drawnLimit.kept) return;
    const text = asDrawing(ring.copy(this.#fed, length));
    if (text === null) return;
    this.#base = { ...this.#base, offset: upTo, ansi: this.#base.ansi + text };
    this.#durable = false;
    this.#from = upTo;
    this.#startOver();
  }

  /** There is no model; one that is opened goes on from the checkpoint. */
  #startOver(): void {
    this.#fed = this.#from;
    this.#parsed = this.#base.offset;
    this.#calm = this.#baseCalm;
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
    const bytes = this.#options.ring.copy(this.#fed, length);
    this.#fed += bytes.length;
    this.#parsed = this.#fed;
    this.#backlog += bytes.length;
    this.#calm = false;
    const size = bytes.length;
    const settled = (calm: boolean): void => {
      this.#backlog -= size;
      if (this.#backlog === 0 && this.#model === model) this.#calm = calm;
      if (this.#backlog > backlogLimit / 2) return;
      this.#drained?.resolve();
      this.#drained = null;
    };
    // A lost thread is noticed at the next feed.
    model.write(bytes).then(settled, () => settled(false));
  }

  #openModel(): RemoteScreenModel {
    if (this.#model !== null && !this.#model.lost) return this.#model;
    this.#forgetModel();
    const { ring, models } = this.#options;
    if (this.#from < ring.start) this.reset(ring.start);
    this.#startOver();
    this.#model = models.open({ ...this.#base, offset: this.#from });
    return this.#model;
  }

  #forgetModel(): void {
    this.#model?.close();
    this.#model = null;
    this.#applied = this.#inBase;
    this.#cached = null;
  }
}
