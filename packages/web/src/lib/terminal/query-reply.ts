/**
 * What a terminal emulator answers by itself when a program asks it something: device attributes, cursor and status
 * reports, modes, colours, capabilities. While old output is replayed these answers have been given long ago; sent
 * again, the shell would read them as typed text.
 */
const replies: readonly RegExp[] = [
  // DA1, DA2, DA3.
  /^\x1b\[[?>=][\d;]*c$/,
  // DSR "I am well", CPR, DECXCPR.
  /^\x1b\[\??[\d;]*[nR]$/,
  // DECRPM, ANSI and private.
  /^\x1b\[\??\d+;\d+\$y$/,
  // Window and text area reports.
  /^\x1b\[\d+;\d+;\d+t$/,
  // Kitty keyboard flags.
  /^\x1b\[\?\d+u$/,
  // Colours and other OSC answers; DCS answers (DECRQSS, XTVERSION, XTGETTCAP).
  /^\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)$/,
  /^\x1bP[^\x1b]*\x1b\\$/,
];

export const isQueryReply = (data: string): boolean => replies.some((reply) => reply.test(data));

/** Knows which block the emulator is parsing: blocks are parsed in the order they were written. */
export interface ParseOrder {
  /** A block was handed to the emulator. */
  written(replay: boolean): void;
  /** The oldest block has been parsed. */
  parsed(): void;
  /** The block being parsed is a replay of the past. */
  replaying(): boolean;
}

export function parseOrder(): ParseOrder {
  const blocks: boolean[] = [];
  return {
    written: (replay) => void blocks.push(replay),
    parsed: () => void blocks.shift(),
    replaying: () => blocks[0] === true,
  };
}
