/** Every bound of the wire in one place. Sizes are bytes unless the name says otherwise. */
export const limits = {
  /** One HTTP body or one socket packet from a client. */
  requestBytes: 1024 * 1024,
  /** One message text. */
  messageText: 256 * 1024,
  /** One block of keystrokes or one paste slice. */
  terminalInput: 64 * 1024,
  /** One item of a tool's input or output on the wire; more is cut to head + tail. */
  wireItem: 64 * 1024,
  /** JSON nesting accepted from outside. */
  jsonDepth: 32,
  /** UTF-16 units of a command that a rule can be about. */
  ruleText: 4_096,
  rulesPerUser: 500,
  /** Approvals answered in one request. */
  answersAtOnce: 100,
  titleLength: 200,
  pathLength: 4_096,
  queueLength: 100,
  /** UTF-16 units of all texts that wait in a session's queue. */
  queueBytes: 1024 * 1024,
  /** Facts in one page. */
  pageFacts: 500,
  /** Facts: a reader at most so far behind gets all it missed. */
  replayWindow: 10_000,
  /** Facts of the tail that one further behind gets, with the state at the end. */
  resetFacts: 200,
  terminalColumns: 1_000,
  terminalRows: 1_000,
  /** What one subscriber may have un-acknowledged of a terminal's output: floor and ceiling. */
  creditFloor: 32 * 1024,
  creditCeiling: 2 * 1024 * 1024,
  /** Raw output kept per terminal by a server node for those who come back soon. */
  serverRing: 1024 * 1024,
} as const;
