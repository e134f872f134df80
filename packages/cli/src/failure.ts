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
} as const;

export class Failure extends Error {
  readonly exitCode: number;

  constructor(kind: keyof typeof exitCodes, message: string) {
    super(message);
    this.exitCode = exitCodes[kind];
  }
}
