/** What both ends of a remote runner's link must know of each other before the first message. */
import type { ChannelLimits } from './socket-channel.ts';

/** A door of its own, beside that of pages: its messages may be larger, and only keys open it. */
export const runnerDoor = { path: '/runner/', namespace: '/runner' } as const;

const mebi = 1024 * 1024;

/** The runner's end. What it has to say is bounded per session, by itself. */
export const runnerLimits: ChannelLimits = { message: 8 * mebi, outgoing: Infinity, incoming: 16 * mebi };

/** The server's end. */
export const serverLimits: ChannelLimits = { message: 8 * mebi, outgoing: 16 * mebi, incoming: 16 * mebi };

/** Bytes of one packet from a runner: a message of the largest size in its most wasteful writing, and its frame. */
export const runnerPacketBytes = 6 * runnerLimits.message + mebi;
