/** Why a command of the program cannot go on: one plain message and an exit code. Everything else that throws is a bug. */
export const exitCodes = {
  failed: 1,
  usage: 2,
  /** The configuration has faults; they are listed. */
  configuration: 3,
  /** The data directory or a file in it cannot be used; nothing in it was changed. */
  data: 4,
  /** Another server has this data directory, or another program this port. */
  inUse: 5,
  holder: 6,
  /** The key is not valid there. */
  login: 7,
  forbidden: 8,
  notFound: 9,
  /** The state has moved on, or somebody else was first. */
  conflict: 10,
  tooLarge: 11,
  /** A limit; the message says when it can be tried again, where that is known. */
  limit: 12,
  /** The server, or the machine it needs, cannot be reached or does not answer. Nothing was kept. */
  unavailable: 13,
  /** It may or may not have arrived. */
  unsure: 14,
  /** Not sent yet: it is in the outbox, and the next run sends it. */
  kept: 15,
  /** By Ctrl-C. */
  interrupted: 130,
} as const;
export type ExitName = keyof typeof exitCodes;

export class Failure extends Error {
  readonly exitName: ExitName;
  readonly exitCode: number;

  constructor(kind: ExitName, message: string) {
    super(message);
    this.exitName = kind;
    this.exitCode = exitCodes[kind];
  }
}
