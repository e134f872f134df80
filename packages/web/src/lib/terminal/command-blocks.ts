/** The commands of a shell, followed through its marks. It knows neither the emulator nor the time: both are given. */
import type { ShellMark } from './shell-mark.ts';

export interface Command<Place> {
  /** Its prompt; null where nothing can be marked. */
  readonly place: Place | null;
  /** null: the shell did not tell it. */
  readonly line: string | null;
  readonly state: 'running' | 'ended';
  /** null: not told, or not yet. */
  readonly exitCode: number | null;
  /** Milliseconds. null: not yet, or a part of it is of the past, whose time nobody knows. */
  readonly duration: number | null;
}

export interface CommandBlocksOptions<Place> {
  /** Marks where the cursor is. */
  place(): Place | null;
  /** Such a mark is not needed. */
  drop(place: Place): void;
  now(): number;
  /** What is being read is a replay of the past. */
  replaying(): boolean;
  began(command: Command<Place>): void;
  /** `began` was told of the same place. */
  ended(command: Command<Place>): void;
}

export class CommandBlocks<Place> {
  readonly #options: CommandBlocksOptions<Place>;
  #prompt: Place | null = null;
  #line: string | null = null;
  #running: { readonly command: Command<Place>; readonly since: number | null } | null = null;

  constructor(options: CommandBlocksOptions<Place>) {
    this.#options = options;
  }

  read(mark: ShellMark): void {
    switch (mark.type) {
      case 'prompt':
        this.#end(null);
        if (this.#prompt !== null) this.#options.drop(this.#prompt);
        this.#prompt = this.#options.place();
        this.#line = null;
        return;
      case 'line':
        this.#line = mark.text;
        return;
      case 'output':
        this.#end(null);
        this.#begin();
        return;
      case 'end':
        this.#end(mark.exitCode);
        return;
    }
  }

  /** What comes does not follow what was read. */
  reset(): void {
    this.#prompt = null;
    this.#line = null;
    this.#running = null;
  }

  #begin(): void {
    const command = {
      place: this.#prompt ?? this.#options.place(),
      line: this.#line,
      state: 'running',
      exitCode: null,
      duration: null,
    } as const;
    this.#prompt = null;
    this.#line = null;
    this.#running = { command, since: this.#time() };
    this.#options.began(command);
  }

  #end(exitCode: number | null): void {
    if (this.#running === null) return;
    const { command, since } = this.#running;
    this.#running = null;
    const now = this.#time();
    const duration = since === null || now === null ? null : now - since;
    this.#options.ended({ ...command, state: 'ended', exitCode, duration });
  }

  /** null: of the past. */
  #time(): number | null {
    return this.#options.replaying() ? null : this.#options.now();
  }
}

/** Of rows with commands: the nearest before, or after, `from`. */
export function commandRow(rows: readonly number[], from: number, direction: 'previous' | 'next'): number | null {
  const beyond = rows.filter((row) => (direction === 'previous' ? row < from : row > from));
  if (beyond.length === 0) return null;
  return direction === 'previous' ? Math.max(...beyond) : Math.min(...beyond);
}
