import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { buffersMade } from './buffer-garbage.ts';
import type { HolderMessage, Reply, Request } from './message.ts';
import { earlierMaximumWriteBytes, failure, maximumMetaBytes, maximumWriteBytes } from './message.ts';
import type {
  ConnectedHolder,
  HeldProcess,
  HolderErrorKind,
  HolderResult,
  ProcessSpec,
  Reading,
  StreamName,
  StreamReader,
} from './process.ts';
import { InputPositions } from './input-positions.ts';
import type { Frame } from './wire.ts';
import { encodeInput, encodeJson, encodeWrite, FrameReader, MalformedFrame, wireVersions } from './wire.ts';

/** Read and not yet acknowledged; a quarter of what the holder sends ahead. */
const acknowledgedEach = 256 * 1024;
/** Sent to the holder and not taken by it yet. */
const maximumUnsentBytes = 32 * 1024 * 1024;
/** Milliseconds for a holder to greet. */
const helloTimeout = 5_000;

/**
 * Connects to a running holder. Not one there, or one that does not answer within 5 s: `disconnected`; one of another
 * version: `bad_request`. A reader or listener that throws or rejects is a bug: the connection closes and the error is
 * thrown as uncaught. Exits between the connection and the first onExit listener are seen by list(): listen, then list.
 */
export function connectHolder({ socketPath }: { readonly socketPath: string }): Promise<HolderResult<ConnectedHolder>> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const timer = setTimeout(() => socket.destroy(new Error('no answer')), helloTimeout);
    const connection = new HolderConnection(socket, (result) => {
      clearTimeout(timer);
      resolve(result);
    });
    connection.start();
  });
}

type Answer = HolderResult<Reply>;

interface Pending {
  /** For a list. */
  readonly listed: HeldProcess[];
  readonly settle: (answer: Answer) => void;
}

type Unnumbered<T> = T extends unknown ? Omit<T, 'call'> : never;
type Call = Unnumbered<Extract<Request, { call: number }>>;

class HolderConnection implements ConnectedHolder {
  pid = 0;
  /** Agreed on in the hello. */
  #version = 0;
  /** For a holder of version 1, by process and stream. */
  readonly #inputs = new InputPositions();
  orphans: readonly string[] = [];
  readonly #socket: Socket;
  readonly #greeted: (result: HolderResult<ConnectedHolder>) => void;
  readonly #frames = new FrameReader();
  readonly #pending = new Map<number, Pending>();
  readonly #readings = new Map<number, ClientReading>();
  readonly #exitListeners = new Set<(process: HeldProcess) => void>();
  readonly #disconnectListeners = new Set<() => void>();
  #lastCall = 0;
  #lastReader = 0;
  #why = 'closed';

  constructor(socket: Socket, greeted: (result: HolderResult<ConnectedHolder>) => void) {
    this.#socket = socket;
    this.#greeted = greeted;
  }

  start(): void {
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('error', (error) => (this.#why = error.message));
    this.#socket.on('close', () => this.#closed());
    this.#send({ type: 'hello', versions: wireVersions });
  }

  async list(): Promise<HolderResult<HeldProcess[]>> {
    const listed: HeldProcess[] = [];
    const answer = await this.#call({ type: 'list' }, listed);
    return answer.ok ? { ok: true, value: listed } : answer;
  }

  async spawn(
    id: string,
    spec: ProcessSpec,
    meta: Readonly<Record<string, unknown>>,
  ): Promise<HolderResult<HeldProcess>> {
    if (tooMuchMeta(meta)) return failure('too_large', 'meta is beyond 64 KiB');
    const answer = await this.#call({ type: 'spawn', id, spec, meta });
    if (!answer.ok) return answer;
    if (answer.value === null || typeof answer.value === 'number') throw new Error('a spawn without a process');
    return { ok: true, value: answer.value };
  }

  get maximumWriteBytes(): number {
    return this.#version < 3 ? earlierMaximumWriteBytes : maximumWriteBytes;
  }

  write(id: string, bytes: Uint8Array, token?: string): Promise<HolderResult<null>> {
    if (bytes.length > this.maximumWriteBytes) return refused('too_large', `a write of ${bytes.length} bytes`);
    const { call, answered } = this.#register([]);
    this.#sendCall(call, encodeWrite(call, id, token ?? null, bytes));
    return answered.then(nothing);
  }

  input(id: string, stream: string, offset: number, bytes: Uint8Array): Promise<HolderResult<number>> {
    if (bytes.length > this.maximumWriteBytes) return refused('too_large', `a write of ${bytes.length} bytes`);
    if (this.#version < 2) return this.#inputByWrites(id, stream, offset, bytes);
    const { call, answered } = this.#register([]);
    this.#sendCall(call, encodeInput(call, id, stream, offset, bytes));
    return answered.then((answer) => {
      if (!answer.ok) return answer;
      if (typeof answer.value !== 'number') throw new Error('the holder answered input without an offset');
      return { ok: true, value: answer.value };
    });
  }

  closeInput(id: string): Promise<HolderResult<null>> {
    return this.#call({ type: 'closeInput', id }).then(nothing);
  }

  resize(id: string, cols: number, rows: number): Promise<HolderResult<null>> {
    return this.#call({ type: 'resize', id, cols, rows }).then(nothing);
  }

  signal(id: string, signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL' | 'SIGHUP'): Promise<HolderResult<null>> {
    return this.#call({ type: 'signal', id, signal }).then(nothing);
  }

  setMeta(id: string, meta: Readonly<Record<string, unknown>>): Promise<HolderResult<null>> {
    if (tooMuchMeta(meta)) return refused('too_large', 'meta is beyond 64 KiB');
    return this.#call({ type: 'setMeta', id, meta }).then(nothing);
  }

  release(id: string, stream: StreamName, offset: number): Promise<HolderResult<null>> {
    return this.#call({ type: 'release', id, stream, offset }).then(nothing);
  }

  forget(id: string): Promise<HolderResult<null>> {
    return this.#call({ type: 'forget', id }).then(nothing);
  }

  shutdown(): Promise<HolderResult<null>> {
    return this.#call({ type: 'shutdown' }).then(nothing);
  }

  read(id: string, stream: StreamName, from: number, reader: StreamReader): Reading {
    const number = (this.#lastReader += 1);
    const reading = new ClientReading(from, reader, {
      acknowledge: (offset) => this.#send({ type: 'acknowledge', reader: number, offset }),
      close: () => {
        if (this.#readings.delete(number)) this.#send({ type: 'closeRead', reader: number });
      },
      fail: (error) => {
        this.#socket.destroy();
        queueMicrotask(() => {
          throw error;
        });
      },
    });
    this.#readings.set(number, reading);
    this.#send({ type: 'read', reader: number, id, stream, from });
    return reading;
  }

  onExit(listener: (process: HeldProcess) => void): () => void {
    this.#exitListeners.add(listener);
    return () => void this.#exitListeners.delete(listener);
  }

  onDisconnect(listener: () => void): () => void {
    this.#disconnectListeners.add(listener);
    return () => void this.#disconnectListeners.delete(listener);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** A holder of version 1 remembers nothing: exact while this client lives, and taken up where the next one finds it. */
  async #inputByWrites(id: string, stream: string, offset: number, bytes: Uint8Array): Promise<HolderResult<number>> {
    const key = `${id} ${stream}`;
    const written = this.#inputs.of(key) ?? offset;
    const end = offset + bytes.length;
    if (offset > written || end <= written) return { ok: true, value: written };
    this.#inputs.set(key, end);
    const answer = await this.write(id, bytes.subarray(written - offset));
    if (answer.ok) return { ok: true, value: end };
    this.#inputs.set(key, written);
    return answer;
  }

  #call(request: Call, listed: HeldProcess[] = []): Promise<Answer> {
    const { call, answered } = this.#register(listed);
    this.#sendCall(call, encodeJson({ ...request, call }));
    return answered;
  }

  #register(listed: HeldProcess[]): { call: number; answered: Promise<Answer> } {
    const call = (this.#lastCall = (this.#lastCall + 1) % 2 ** 32);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#pending.set(call, { listed, settle: resolve });
    return { call, answered: promise };
  }

  #sendCall(call: number, frame: Buffer | null): void {
    if (this.#socket.destroyed) {
      this.#settle(call, failure('disconnected', this.#why));
    } else if (frame === null) {
      this.#settle(call, failure('too_large', 'the request is beyond the largest frame'));
    } else if (this.#socket.writableLength + frame.length > maximumUnsentBytes) {
      this.#settle(call, failure('too_large', 'too many requests under way'));
    } else {
      this.#socket.write(frame);
    }
  }

  #settle(call: number, answer: Answer): void {
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    pending?.settle(answer);
  }

  #send(message: object): void {
    const frame = encodeJson(message);
    if (frame === null) throw new Error('a message beyond the largest frame');
    if (!this.#socket.destroyed) this.#socket.write(frame);
  }

  #receive(chunk: Buffer): void {
    buffersMade(chunk.length);
    try {
      for (const frame of this.#frames.push(chunk)) {
        this.#take(frame);
        if (this.#socket.destroyed) return;
      }
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : undefined);
      if (!(error instanceof MalformedFrame)) throw error;
    }
  }

  #take(frame: Frame): void {
    if (frame.type === 'write' || frame.type === 'input') throw new MalformedFrame('input from the holder');
    if (frame.type === 'data') {
      this.#readings.get(frame.reader)?.push({ type: 'data', offset: frame.offset, bytes: frame.bytes });
      return;
    }
    const message = frame.value as HolderMessage;
    switch (message.type) {
      case 'hello':
        this.pid = message.pid;
        this.#version = message.version;
        this.orphans = message.orphans;
        return this.#greeted({ ok: true, value: this });
      case 'refused':
        return this.#greeted(failure('bad_request', message.message));
      case 'reply':
        return this.#settle(message.call, message.result);
      case 'listed':
        this.#pending.get(message.call)?.listed.push(message.process);
        return;
      case 'exit':
        for (const listener of [...this.#exitListeners]) listener(message.process);
        return;
      case 'gap':
        return this.#readings.get(message.reader)?.push({ type: 'gap', from: message.from, to: message.to });
      case 'end':
        return this.#finish(message.reader, { type: 'end', offset: message.offset });
      case 'unreadable':
        return this.#finish(message.reader, { type: 'unreadable', message: message.message });
      default:
        // A newer holder's: it knows which version it speaks with us and sends nothing we need.
        return;
    }
  }

  #finish(reader: number, item: Item): void {
    this.#readings.get(reader)?.push(item);
  }

  #closed(): void {
    this.#greeted(failure('disconnected', this.#why));
    for (const reading of this.#readings.values()) reading.drop();
    this.#readings.clear();
    for (const call of [...this.#pending.keys()]) this.#settle(call, failure('disconnected', this.#why));
    for (const listener of [...this.#disconnectListeners]) listener();
  }
}

type Item =
  | { readonly type: 'data'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly type: 'gap'; readonly from: number; readonly to: number }
  | { readonly type: 'end'; readonly offset: number }
  | { readonly type: 'unreadable'; readonly message: string };

interface ReadingConnection {
  acknowledge(offset: number): void;
  close(): void;
  fail(error: unknown): void;
}

/** Hands a reader one thing after the other; what waits is bounded by the holder's credit. */
class ClientReading implements Reading {
  readonly #reader: StreamReader;
  readonly #connection: ReadingConnection;
  #waiting: Item[] = [];
  #busy = false;
  #closed = false;
  #acknowledged: number;

  constructor(from: number, reader: StreamReader, connection: ReadingConnection) {
    this.#acknowledged = from;
    this.#reader = reader;
    this.#connection = connection;
  }

  close(): void {
    this.drop();
    this.#connection.close();
  }

  /** Nothing more is handed out. */
  drop(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  push(item: Item): void {
    this.#waiting.push(item);
    if (!this.#busy) this.#handOut();
  }

  #handOut(): void {
    this.#busy = false;
    for (let item = this.#waiting.shift(); item !== undefined; item = this.#waiting.shift()) {
      const read = item.type === 'data' ? this.#read(item.offset, item.bytes) : this.#tell(item);
      if (read === undefined) continue;
      this.#busy = true;
      read.then(
        () => this.#handOut(),
        (error: unknown) => this.#connection.fail(error),
      );
      return;
    }
  }

  #read(offset: number, bytes: Uint8Array): Promise<void> | undefined {
    const done = (): void => this.#done(offset + bytes.length);
    const reading = this.#reader.data(offset, bytes);
    if (reading === undefined) return done() as undefined;
    return reading.then(done);
  }

  #done(offset: number): void {
    if (this.#closed || offset - this.#acknowledged < acknowledgedEach) return;
    this.#acknowledged = offset;
    this.#connection.acknowledge(offset);
  }

  #tell(item: Exclude<Item, { type: 'data' }>): undefined {
    if (item.type === 'gap') this.#reader.gap(item.from, item.to);
    else if (item.type === 'end') this.#reader.end(item.offset);
    else this.#reader.unreadable?.(item.message);
  }
}

function tooMuchMeta(meta: Readonly<Record<string, unknown>>): boolean {
  return Buffer.byteLength(JSON.stringify(meta)) > maximumMetaBytes;
}

function refused(kind: HolderErrorKind, message: string): Promise<HolderResult<never>> {
  return Promise.resolve(failure(kind, message));
}

/** For calls that answer no value. */
function nothing(answer: Answer): HolderResult<null> {
  return answer.ok ? { ok: true, value: null } : answer;
}
