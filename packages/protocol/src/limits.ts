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
  /** Lines above a terminal's screen that are kept with it. */
  scrollbackLines: 1_000,
  /** People at one session who are told by name; the others are counted. */
  presenceNamed: 50,
  /** What one subscriber may have un-acknowledged of a terminal's output: floor and ceiling. */
  creditFloor: 32 * 1024,
  creditCeiling: 2 * 1024 * 1024,
  /** Raw output kept per terminal by a server node for those who come back soon. */
  serverRing: 1024 * 1024,
  /** The name of an uploaded file. */
  fileName: 255,
  /** Files that go with one message. */
  attachments: 20,
  /** One piece of an upload on the link to its machine: small, so that a keystroke never waits long behind one. */
  uploadPiece: 32 * 1024,
  /** One recording of a terminal, and how many a person may have on one machine. */
  recordingBytes: 64 * 1024 * 1024,
  recordings: 100,
} as const;
