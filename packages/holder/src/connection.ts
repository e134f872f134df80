import type { Socket } from 'node:net';
import type { Held, Watcher } from './held-process.ts';
import type { Log } from './log.ts';
import type { ClientMessage, HolderMessage, Reply, Request } from './message.ts';
import { failure, isProcessId, isStreamName, maximumWriteBytes, parseMessage } from './message.ts';
import type { HolderResult, StreamName } from './process.ts';
import type { ProcessTable } from './process-table.ts';
import type { RetainedStream } from './retained-stream.ts';
import type { Frame } from './wire.ts';
import { encodeDataHeader, encodeJson, FrameReader, MalformedFrame, wireVersions } from './wire.ts';

/** Sent to one reading and not yet acknowledged. */
const creditBytes = 1024 * 1024;
/** Waiting in the socket: no more output is added, so that an answer or an echo does not wait long. */
const congestedBytes = 256 * 1024;
/** Waiting in the socket: its requests are not read any more, as nobody reads the answers. */
const deafBytes = 4 * 1024 * 1024;
/** Of one data frame. */
const chunkBytes = 64 * 1024;
/** Output sent before others get a turn. */
const turnBytes = 256 * 1024;
/** Output so small that it is copied behind its header instead of being written on its own. */
const copiedBytes = 16 * 1024;
const maximumReadings = 4_096;

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly table: ProcessTable;
  readonly orphans: readonly string[];
  readonly log: Log;
  /** Ends every process; the holder ends when it is done and told. */
  readonly shutdown: () => Promise<void>;
}

interface Reading extends Watcher {
  readonly number: number;
  readonly stream: RetainedStream;
  cursor: number;
  acknowledged: number;
  /** Its end has been told. */
  over: boolean;
  stop(): void;
}

/** Serves one client until its socket closes. */
export function serveConnection(options: ConnectionOptions): void {
  const connection = new Connection(options);
  connection.start();
}

class Connection {
  readonly #socket: Socket;
  readonly #table: ProcessTable;
  readonly #orphans: readonly string[];
  readonly #log: Log;
  readonly #shutdown: () => Promise<void>;
  readonly #frames = new FrameReader();
  readonly #readings = new Map<number, Reading>();
  /** Those that may have something to send, in the order of their turns. */
  readonly #ready = new Set<Reading>();
  #immediate: NodeJS.Immediate | undefined;
  #greeted = false;

  constructor({ socket, table, orphans, log, shutdown }: ConnectionOptions) {
    this.#socket = socket;
    this.#table = table;
    this.#orphans = orphans;
    this.#log = log;
    this.#shutdown = shutdown;
  }

  start(): void {
    const exitUnheard = this.#table.onExit((process) => {
      if (this.#greeted) this.#send({ type: 'exit', process });
    });
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('drain', () => {
      this.#socket.resume();
      this.#pump();
    });
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => {
      exitUnheard();
      clearImmediate(this.#immediate);
      for (const reading of this.#readings.values()) reading.stop();
      this.#readings.clear();
      this.#ready.clear();
    });
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.push(chunk)) {
        this.#take(frame);
        if (this.#socket.destroyed) return;
      }
    } catch (error) {
      // Also for a bug: it costs this client its connection, not everybody their processes.
      const why = error instanceof MalformedFrame ? error.message : ((error as Error).stack ?? String(error));
      this.#log(`connection closed: ${why}`);
      this.#socket.destroy();
    }
    if (this.#socket.writableLength > deafBytes) this.#socket.pause();
  }

  #take(frame: Frame): void {
    if (frame.type === 'data') throw new MalformedFrame('output from a client');
    if (frame.type === 'write') {
      if (!this.#greeted) throw new MalformedFrame('no hello');
      return this.#reply(frame.call, this.#write(frame));
    }
    if (frame.type === 'input') {
      if (!this.#greeted) throw new MalformedFrame('no hello');
      return this.#reply(frame.call, this.#input(frame));
    }
    const parsed = parseMessage(frame.value);
    if (parsed.kind === 'malformed') throw new MalformedFrame(parsed.message);
    if (parsed.kind === 'bad') return this.#reply(parsed.call, failure('bad_request', parsed.message));
    if (parsed.message.type === 'hello') return this.#greet(parsed.message);
    if (!this.#greeted) throw new MalformedFrame('no hello');
    this.#perform(parsed.message);
  }

  #greet({ versions }: Extract<ClientMessage, { type: 'hello' }>): void {
    if (this.#greeted) throw new MalformedFrame('a second hello');
    const common = wireVersions.filter((version) => versions.includes(version));
    if (common.length === 0) {
      this.#send({ type: 'refused', message: `the running holder speaks version ${wireVersions.join(', ')}` });
      this.#socket.end();
      return;
    }
    this.#greeted = true;
    this.#send({ type: 'hello', version: Math.max(...common), pid: process.pid, orphans: this.#orphans });
  }

  #perform(request: Request): void {
    switch (request.type) {
      case 'list':
        for (const process of this.#table.list()) this.#send({ type: 'listed', call: request.call, process });
        return this.#reply(request.call, { ok: true, value: null });
      case 'shutdown':
        this.#shutdown().then(
          () => this.#reply(request.call, { ok: true, value: null }),
          (error: unknown) => this.#log(`shutdown: ${String(error)}`),
        );
        return;
      case 'read':
        return this.#read(request.reader, request.id, request.stream, request.from);
      case 'acknowledge': {
        const reading = this.#readings.get(request.reader);
        if (reading === undefined) return;
        reading.acknowledged = Math.max(reading.acknowledged, Math.min(request.offset, reading.cursor));
        return reading.wake();
      }
      case 'closeRead':
        return this.#closeRead(request.reader);
      default:
        return this.#reply(request.call, this.#table.perform(request));
    }
  }

  #write({ id, token, bytes }: Extract<Frame, { type: 'write' }>): HolderResult<Reply> {
    if (!isProcessId(id)) return failure('bad_request', 'id');
    if (bytes.length > maximumWriteBytes) return failure('too_large', `a write of ${bytes.length} bytes`);
    return this.#table.write(id, bytes, token);
  }

  #input({ id, stream, offset, bytes }: Extract<Frame, { type: 'input' }>): HolderResult<number> {
    if (!isProcessId(id)) return failure('bad_request', 'id');
    if (!isStreamName(stream)) return failure('bad_request', 'stream');
    if (bytes.length > maximumWriteBytes) return failure('too_large', `a write of ${bytes.length} bytes`);
    return this.#table.input(id, stream, offset, bytes);
  }

  #read(number: number, id: string, name: StreamName, from: number): void {
    if (this.#readings.has(number) || this.#readings.size >= maximumReadings) throw new MalformedFrame('reader');
    const held = this.#table.get(id);
    if (held === undefined) return this.#send({ type: 'unreadable', reader: number, message: `no process ${id}` });
    const reading = this.#open(number, held, name, from);
    this.#readings.set(number, reading);
    reading.wake();
  }

  #open(number: number, held: Held, name: StreamName, from: number): Reading {
    const reading: Reading = {
      number,
      stream: held.stream(name),
      cursor: from,
      acknowledged: from,
      over: false,
      wake: () => {
        this.#ready.add(reading);
        if (this.#immediate === undefined) this.#pump();
      },
      stop: () => unwatch(),
    };
    const unwatch = held.watch(name, reading);
    return reading;
  }

  #closeRead(number: number): void {
    const reading = this.#readings.get(number);
    if (reading === undefined) return;
    reading.stop();
    this.#readings.delete(number);
    this.#ready.delete(reading);
  }

  /** Each ready reading in turn, until nothing is left, the socket is full, or others should have a turn. */
  #pump(): void {
    let budget = turnBytes;
    this.#socket.cork();
    for (const reading of this.#ready) {
      if (this.#socket.writableLength > congestedBytes || this.#socket.destroyed) break;
      if (budget <= 0) {
        this.#immediate ??= setImmediate(() => {
          this.#immediate = undefined;
          this.#pump();
        });
        break;
      }
      this.#ready.delete(reading);
      const sent = this.#sendNext(reading);
      budget -= sent;
      // At the end of the line, which this loop still reaches.
      if (sent > 0) this.#ready.add(reading);
    }
    this.#socket.uncork();
  }

  /** @returns how much output was sent; 0: there is nothing to send now. */
  #sendNext(reading: Reading): number {
    const { number, stream } = reading;
    if (reading.cursor < stream.start) {
      this.#send({ type: 'gap', reader: number, from: reading.cursor, to: stream.start });
      reading.cursor = stream.start;
      reading.acknowledged = Math.max(reading.acknowledged, stream.start);
    }
    if (reading.cursor >= stream.end) {
      if (stream.ended && !reading.over) {
        reading.over = true;
        this.#send({ type: 'end', reader: number, offset: stream.end });
      }
      return 0;
    }
    const credit = creditBytes - (reading.cursor - reading.acknowledged);
    if (credit <= 0) return 0;
    const bytes = stream.read(reading.cursor, Math.min(chunkBytes, credit));
    if (bytes === null) return this.#sendNext(reading);
    const header = encodeDataHeader(number, reading.cursor, bytes.length);
    if (bytes.length <= copiedBytes) {
      this.#socket.write(Buffer.concat([header, bytes]));
    } else {
      this.#socket.write(header);
      this.#socket.write(bytes);
    }
    reading.cursor += bytes.length;
    return bytes.length;
  }

  #reply(call: number, result: HolderResult<Reply>): void {
    this.#send({ type: 'reply', call, result });
  }

  #send(message: HolderMessage): void {
    const frame = encodeJson(message);
    if (frame === null) throw new Error(`${message.type} is beyond the largest frame`);
    if (!this.#socket.destroyed) this.#socket.write(frame);
  }
}
