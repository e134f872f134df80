/** A mark beside each command of a shell in the emulator, and the way from one command to the next. */
import type { IDecoration, IMarker, Terminal } from '@xterm/xterm';
import { type Command, CommandBlocks, commandRow } from './command-blocks.ts';
import { commandWords } from './command-words.ts';
import { shellMark } from './shell-mark.ts';

export interface CommandGutter {
  /** Shows the command before or after the one shown last. */
  jump(direction: 'previous' | 'next'): void;
  /** The screen is another's: what comes does not follow what was read. */
  reset(): void;
}

export interface CommandGutterOptions {
  now(): number;
  /** What is being parsed is a replay of the past. */
  replaying(): boolean;
  ended(command: Command<IMarker>): void;
}

/** Older ones lose their marks. */
const markLimit = 1_000;

interface Marked {
  readonly decoration: IDecoration | undefined;
  command: Command<IMarker>;
}

/** All of it goes with the terminal. */
export function followCommands(terminal: Terminal, options: CommandGutterOptions): CommandGutter {
  const marks = new Map<IMarker, Marked>();
  let shown: { readonly marker: IMarker; readonly frame: IDecoration | undefined } | null = null;

  const blocks = new CommandBlocks<IMarker>({
    ...options,
    // A program that draws the whole screen has no lines to mark.
    place: () => (terminal.buffer.active.type === 'normal' ? terminal.registerMarker(0) : null),
    drop: (marker) => marker.dispose(),
    began: (command) => {
      leave();
      if (command.place !== null && !command.place.isDisposed) mark(command.place, command);
    },
    ended: (command) => {
      const marked = command.place === null ? undefined : marks.get(command.place);
      if (marked !== undefined) {
        marked.command = command;
        if (marked.decoration?.element) paint(marked.decoration.element, command);
      }
      options.ended(command);
    },
  });
  for (const code of [133, 633]) {
    terminal.parser.registerOscHandler(code, (payload) => {
      const read = shellMark(payload);
      if (read !== null) blocks.read(read);
      return true;
    });
  }
  terminal.onKey(() => leave());

  function mark(marker: IMarker, command: Command<IMarker>): void {
    const decoration = terminal.registerDecoration({ marker, x: 0, width: 1 });
    const marked: Marked = { decoration, command };
    decoration?.onRender((element) => paint(element, marked.command));
    marks.set(marker, marked);
    marker.onDispose(() => marks.delete(marker));
    const [oldest] = marks.keys();
    if (marks.size > markLimit) oldest?.dispose();
  }

  function leave(): void {
    shown?.frame?.dispose();
    shown = null;
  }

  return {
    jump: (direction) => {
      const { viewportY, baseY, cursorY, type } = terminal.buffer.active;
      if (type !== 'normal') return;
      const last = shown?.marker.line ?? -1;
      const visible = last >= viewportY && last < viewportY + terminal.rows;
      // Nothing was shown: from the line one is at, or, scrolled away from it, from what is on top.
      const from = visible ? last : viewportY === baseY ? baseY + cursorY : viewportY;
      const row = commandRow(
        [...marks.keys()].map(({ line }) => line),
        from,
        direction,
      );
      if (row === null) {
        if (direction === 'previous') return;
        leave();
        return terminal.scrollToBottom();
      }
      leave();
      terminal.scrollToLine(row);
      const marker = [...marks.keys()].find(({ line }) => line === row);
      if (marker === undefined) return;
      const frame = terminal.registerDecoration({ marker, x: 0, width: terminal.cols });
      frame?.onRender(outline);
      shown = { marker, frame };
    },
    reset: () => {
      leave();
      blocks.reset();
    },
  };
}

/** Left of the first column: a person who selects text is not hindered. */
function paint(element: HTMLElement, command: Command<IMarker>): void {
  const { state, exitCode } = command;
  const failed = exitCode !== null && exitCode !== 0;
  const words = commandWords(command);
  element.dataset['testid'] = 'command-mark';
  element.role = 'img';
  element.ariaLabel = words;
  element.title = words;
  element.style.width = failed ? '4px' : '3px';
  element.style.marginLeft = '-8px';
  element.style.borderRadius = '2px';
  element.style.background = state === 'running' ? 'var(--line)' : failed ? 'var(--bad)' : 'var(--good)';
}

function outline(element: HTMLElement): void {
  element.dataset['testid'] = 'command-shown';
  element.style.pointerEvents = 'none';
  element.style.boxShadow = 'inset 0 0 0 1px var(--accent)';
}
