/** What the holder knows of a process, as it tells its client. Plain data: this is the holder's wire. */

export interface PtySpec {
  readonly kind: 'pty';
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cols: number;
  readonly rows: number;
}

export interface PipeSpec {
  readonly kind: 'pipe';
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export type ProcessSpec = PtySpec | PipeSpec;

/** out: a PTY's output or a pipe's stdout. err: a pipe's stderr, of which only the newest 64 KiB are kept. */
export type StreamName = 'out' | 'err';

export interface StreamRange {
  /** The oldest byte still kept. */
  readonly start: number;
  /** One past the newest byte. */
  readonly end: number;
  /** The child has closed it and all is in. */
  readonly ended: boolean;
}

/** A process that outlived the agent it was started by, and was ended. */
export interface Leftover {
  readonly pid: number;
  /** Its command line, at most 200 characters. */
  readonly command: string;
}

export interface HeldProcess {
  /** Given by the client at spawn; "<sessionId>.<generation>". */
  readonly id: string;
  readonly kind: 'pty' | 'pipe';
  readonly pid: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** The client's own notes; what a later client needs to go on. At most 64 KiB as JSON. */
  readonly meta: Readonly<Record<string, unknown>>;
  readonly size: { readonly cols: number; readonly rows: number } | null;
  /** null: alive. `at` is ISO 8601. Set only after all output is in its streams and what it left running has ended. */
  readonly exit: {
    readonly exitCode: number | null;
    readonly signal: string | null;
    readonly at: string;
    /** Of a pipe: what it left running, at most the first 32. Absent: nothing. */
    readonly leftovers?: readonly Leftover[];
  } | null;
  readonly streams: { readonly out: StreamRange; readonly err: StreamRange };
}

/** not_found: no such process · exists: the id is taken · exited: it has ended · spawn_failed: message says why ·
 *  bad_request: malformed · too_large: beyond a bound · disconnected: the holder went away; whether it happened is unknown */
export type HolderErrorKind =
  'not_found' | 'exists' | 'exited' | 'spawn_failed' | 'bad_request' | 'too_large' | 'disconnected';

export type HolderResult<T> = { ok: true; value: T } | { ok: false; error: { kind: HolderErrorKind; message: string } };

export interface StreamReader {
  /** Contiguous from `from` unless a gap was told first. Bytes are the reader's to keep. May be async: the next chunk waits (this is the credit). */
  data(offset: number, bytes: Uint8Array): void | Promise<void>;
  /** Bytes in [from, to) are no longer kept anywhere; data goes on at `to`. */
  gap(from: number, to: number): void;
  /** All of it has been read and the child has closed it. */
  end(offset: number): void;
  /** There is no such process: nothing follows. */
  unreadable?(message: string): void;
}

export interface Reading {
  close(): void;
}

/** The client's view of the holder. Implemented over its socket by client.ts. Ordered: calls take effect in call order. */
export interface Holder {
  /** Bytes of one write or input; more is too_large. An older holder takes less. */
  readonly maximumWriteBytes: number;
  list(): Promise<HolderResult<HeldProcess[]>>;
  spawn(id: string, spec: ProcessSpec, meta: Readonly<Record<string, unknown>>): Promise<HolderResult<HeldProcess>>;
  /** Resolves when the bytes are the child's (or queued for it in order). token: a write with a token seen before for this process is not done again. */
  write(id: string, bytes: Uint8Array, token?: string): Promise<HolderResult<null>>;
  /**
   * The part of `bytes` not yet written of an input stream, of which `offset` is the place of the first one. The holder
   * remembers for each process how far its streams are, whoever writes. Resolves with the offset up to which the stream
   * is written: one before `offset` says that bytes are missing there and that nothing was written.
   */
  input(id: string, stream: string, offset: number, bytes: Uint8Array): Promise<HolderResult<number>>;
  /** Ends the child's stdin (pipe). */
  closeInput(id: string): Promise<HolderResult<null>>;
  resize(id: string, cols: number, rows: number): Promise<HolderResult<null>>;
  /** To the child's process group; a terminal's SIGINT to its foreground group, as if typed, its others to both.
   *  SIGKILL to all of a terminal's session, and to all an agent started anywhere; of an ended process, to what is left. */
  signal(id: string, signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' | 'SIGHUP'): Promise<HolderResult<null>>;
  setMeta(id: string, meta: Readonly<Record<string, unknown>>): Promise<HolderResult<null>>;
  read(id: string, stream: StreamName, from: number, reader: StreamReader): Reading;
  /** What is before `offset` need not be kept any more. */
  release(id: string, stream: StreamName, offset: number): Promise<HolderResult<null>>;
  /** Only of a process that has exited: its streams and its entry go. */
  forget(id: string): Promise<HolderResult<null>>;
  onExit(listener: (process: HeldProcess) => void): () => void;
  /** The connection was lost or closed. */
  onDisconnect(listener: () => void): () => void;
  /** Ends every process, then the holder itself. */
  shutdown(): Promise<HolderResult<null>>;
  close(): void;
}

/** A connection to a holder, and who it is. */
export interface ConnectedHolder extends Holder {
  /** The holder's own process. */
  readonly pid: number;
  /** Ids of processes an earlier holder left behind, which this one ended when it started. */
  readonly orphans: readonly string[];
}
