/**
 * What a terminal emulator answers by itself when a program asks it something: device attributes, cursor and status
 * reports, modes, colours, capabilities. While old output is replayed these answers have been given long ago; sent
 * again, the shell would read them as typed text.
 */
import type { Attendee, Driver } from '@holdfast/protocol/presence.ts';
import { isSameClient } from '../session/driver.ts';

const escape = '\x1b';
const bell = '\x07';

/** What follows the escape character. */
const controlReplies: readonly RegExp[] = [
  // DA1, DA2, DA3.
  /^\[[?>=][\d;]*c$/,
  // DSR "I am well", CPR, DECXCPR.
  /^\[\??[\d;]*[nR]$/,
  // DECRPM, ANSI and private.
  /^\[\??\d+;\d+\$y$/,
  // Window and text area reports.
  /^\[\d+;\d+;\d+t$/,
  // Kitty keyboard flags.
  /^\[\?\d+u$/,
];

export function isQueryReply(data: string): boolean {
  if (!data.startsWith(escape)) return false;
  const body = data.slice(1);
  // OSC (colours) and DCS (DECRQSS, XTVERSION, XTGETTCAP): nobody types these.
  const string = body.startsWith(']') || body.startsWith('P');
  if (string) return body.endsWith(bell) || body.endsWith(`${escape}\\`);
  return controlReplies.some((reply) => reply.test(body));
}

type Client = Pick<Driver, 'clientId' | 'id'>;

/**
 * Of all pages that show a terminal one answers what its program asks: the driver's, and while nobody drives the one that
 * came first. people: who is there, in the order in which they came.
 */
export function answersQueries(
  self: Client,
  driver: Driver | null,
  people: readonly Pick<Attendee, 'clientId' | 'userId'>[],
): boolean {
  if (driver !== null) return isSameClient(driver, self);
  const [first] = people;
  return first === undefined || isSameClient({ clientId: first.clientId, id: first.userId }, self);
}

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
