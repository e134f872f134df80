/** A server with a real log and real receipts in memory, on real Socket.IO, that misbehaves on demand. */
import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo, Socket as Connection } from 'node:net';
import { Server, type Socket } from 'socket.io';
import type { Command, Receipt } from '@holdfast/protocol/command.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';

export interface Log {
  facts: Fact[];
  oldestSeq: number;
  receipts: Map<string, Receipt>;
  /** Every command that had its effect, in order. */
  effects: Command[];
  output: Uint8Array[];
  typed: Map<string, number>;
  keys: string;
  /** After its last fact. */
  state: SessionState;
}

/** What outlives a restart of the server. */
export interface World {
  logs: Map<string, Log>;
}

export interface Faults {
  /** Answers the n-th command (from 1) without its acknowledgement ever arriving. */
  loseAck: (command: Command) => boolean;
  refuse: (command: Command) => ErrorBody | null;
  refuseLogin: ErrorBody | null;
  version: number;
  /** Sends each batch of facts so. */
  deliver: (facts: Fact[]) => Fact[][];
  refuseInput: (() => ErrorBody | null) | null;
  loseInputAck: boolean;
  mute: boolean;
  /** What becomes of a request for a socket. */
  sockets: (transport: string) => 'serve' | 'refuse' | 'hang';
}

export const noFaults = (): Faults => ({
  loseAck: () => false,
  refuse: () => null,
  refuseLogin: null,
  version: protocolVersion,
  deliver: (facts) => [facts],
  refuseInput: null,
  loseInputAck: false,
  mute: false,
  sockets: () => 'serve',
});

/** Facts; see protocol's limits. */
const replay = { window: 12, tail: 4 };

const shell: SessionState = {
  kind: 'terminal',
  title: 'shell',
  generation: 0,
  end: 'none',
  error: null,
  driver: null,
  everDriven: false,
  stopping: false,
  terminal: { cols: 80, rows: 24, exit: null },
  agent: null,
};

/** Set by scripted-http.ts, whose own sockets are always served. */
export const ownHeader = 'x-scripted-http';

export function logOf(world: World, sessionId: string): Log {
  const known = world.logs.get(sessionId);
  if (known !== undefined) return known;
  const log: Log = {
    facts: [],
    oldestSeq: 1,
    receipts: new Map(),
    effects: [],
    output: [],
    typed: new Map(),
    keys: '',
    state: { ...shell },
  };
  world.logs.set(sessionId, log);
  return log;
}

type Ack = (answer: unknown) => void;

export class ScriptedServer {
  readonly world: World;
  readonly faults = noFaults();
  readonly sockets = new Set<Socket>();
  /** Connections that wait for a socket they will not get. */
  readonly hung = new Set<Connection>();
  /** Everything asked, by name. */
  readonly asked: { name: string; body: Record<string, unknown> }[] = [];
  /** Answers what is not Socket.IO's. */
  http: RequestListener = (_request, response) => response.writeHead(404).end();
  readonly #io: Server;
  readonly #http = createServer((request, response) => this.http(request, response));
  readonly #subscriptions = new Map<Socket, Map<string, boolean>>();
  readonly #watchers = new Set<Socket>();

  private constructor(world: World) {
    this.world = world;
    this.#io = new Server(this.#http, {
      pingInterval: 60_000,
      maxHttpBufferSize: 4 * 1024 * 1024,
      allowRequest: (request, decide) => {
        const transport = new URL(request.url ?? '/', this.url).searchParams.get('transport') ?? '';
        const fate = request.headers[ownHeader] === undefined ? this.faults.sockets(transport) : 'serve';
        if (fate === 'hang') this.#hang(request.socket);
        else decide(null, fate === 'serve');
      },
    });
    this.#io.use((_socket, next) => {
      const { refuseLogin } = this.faults;
      next(refuseLogin === null ? undefined : Object.assign(new Error(refuseLogin.message), { data: refuseLogin }));
    });
    this.#io.on('connection', (socket) => this.#accept(socket));
  }

  static async start(world: World = { logs: new Map() }, port = 0): Promise<ScriptedServer> {
    const server = new ScriptedServer(world);
    await new Promise<void>((listening) => server.#http.listen(port, '127.0.0.1', listening));
    return server;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  append(sessionId: string, ...drafts: { type: string; data: unknown }[]): void {
    const log = logOf(this.world, sessionId);
    const facts = drafts.map((draft, index) => ({
      seq: log.facts.length + log.oldestSeq + index,
      at: '2026-01-01T00:00:00.000Z',
      ...draft,
    })) as Fact[];
    log.facts.push(...facts);
    for (const { type, data } of facts) {
      if (type === 'session.renamed') log.state = { ...log.state, title: data.title };
      if (type === 'session.started') log.state = { ...log.state, generation: data.generation };
    }
    for (const [socket, sessions] of this.#subscriptions) {
      if (!sessions.has(sessionId)) continue;
      for (const batch of this.faults.deliver(facts)) socket.emit('facts', { sessionId, facts: batch });
    }
  }

  print(sessionId: string, text: string): void {
    const log = logOf(this.world, sessionId);
    const offset = log.output.reduce((sum, part) => sum + part.byteLength, 0);
    const data = Buffer.from(text);
    log.output.push(data);
    for (const [socket, sessions] of this.#subscriptions) {
      if (sessions.get(sessionId) === true) socket.emit('tty', { sessionId, offset, data });
    }
  }

  /** Asks every client whether it is there. Resolves with what the first answers. */
  ping(nonce: string): Promise<unknown> {
    return new Promise((resolve) => {
      for (const socket of this.sockets) socket.emit('ping', { nonce }, resolve);
    });
  }

  push(name: string, message: unknown): void {
    for (const socket of this.sockets) socket.emit(name, message);
  }

  /** As a network does it: the transport is gone, nobody says goodbye. */
  cut(): void {
    for (const socket of this.sockets) socket.conn.close();
  }

  hangUp(): void {
    for (const socket of this.sockets) socket.disconnect(true);
  }

  async stop(): Promise<void> {
    this.#http.closeAllConnections();
    for (const connection of this.hung) connection.destroy();
    await this.#io.close();
  }

  #hang(connection: Connection): void {
    this.hung.add(connection);
    connection.once('close', () => this.hung.delete(connection));
  }

  #accept(socket: Socket): void {
    this.sockets.add(socket);
    const sessions = new Map<string, boolean>();
    this.#subscriptions.set(socket, sessions);
    socket.on('disconnect', () => {
      this.sockets.delete(socket);
      this.#subscriptions.delete(socket);
      this.#watchers.delete(socket);
    });
    const on = (name: string, handle: (body: never, ack: Ack) => void): void => {
      socket.on(name, (body: Record<string, unknown>, ack: Ack | undefined) => {
        this.asked.push({ name, body });
        if (!this.faults.mute) handle(body as never, ack ?? (() => undefined));
      });
    };
    on('hello', (_body, ack) => {
      const version = this.faults.version;
      ack({ ok: true, protocolVersion: version, serverId: 'server', time: '2026-01-01T00:00:00.000Z' });
    });
    on('ping', ({ nonce }: { nonce: string }, ack) => ack({ ok: true, nonce }));
    on('watch', (_body, ack) => {
      this.#watchers.add(socket);
      ack({ ok: true });
    });
    on('parsed', () => undefined);
    on('unsubscribe', ({ sessionId }: { sessionId: string }, ack) => {
      sessions.delete(sessionId);
      ack({ ok: true });
    });
    on('subscribe', (body: { sessionId: string; after: number | null; tty?: { from: number | null } }, ack) => {
      this.#subscribe(socket, sessions, body, ack);
    });
    on('command', ({ sessionId, command }: { sessionId: string; command: Command }, ack) => {
      this.#command(sessionId, command, ack);
    });
    on('input', (body: { sessionId: string; inputId: string; offset: number; data: Uint8Array }, ack) => {
      this.#input(body, ack);
    });
  }

  #subscribe(
    socket: Socket,
    sessions: Map<string, boolean>,
    { sessionId, after, tty }: { sessionId: string; after: number | null; tty?: { from: number | null } },
    ack: Ack,
  ): void {
    const log = this.world.logs.get(sessionId);
    if (log === undefined) {
      ack({ ok: false, error: { kind: 'not_found', message: 'no such session' } });
      return;
    }
    const lastSeq = log.oldestSeq + log.facts.length - 1;
    const { oldestSeq, state: base } = log;
    const goesOn = after !== null && after <= lastSeq && after >= oldestSeq - 1 && lastSeq - after <= replay.window;
    const from = goesOn ? after + 1 : Math.max(oldestSeq, lastSeq - replay.tail + 1);
    sessions.set(sessionId, tty !== undefined);
    ack({ ok: true, lastSeq, oldestSeq, ...(goesOn ? { verdict: 'ok' } : { verdict: 'reset', from, base }) });
    const facts = log.facts.filter((fact) => fact.seq >= from);
    if (facts.length > 0) {
      for (const batch of this.faults.deliver(facts)) socket.emit('facts', { sessionId, facts: batch });
    }
    socket.emit('synced', { sessionId, seq: lastSeq });
    if (tty === undefined) return;
    const output = Buffer.concat(log.output);
    if (tty.from === null) {
      const screen = { offset: output.byteLength, cols: 80, rows: 24, ansi: `screen@${output.byteLength}` };
      socket.emit('screen', { sessionId, screen });
    } else if (tty.from < output.byteLength) {
      socket.emit('tty', { sessionId, offset: tty.from, data: output.subarray(tty.from) });
    }
  }

  #command(sessionId: string, command: Command, ack: Ack): void {
    const refusal = this.faults.refuse(command);
    if (refusal !== null) {
      ack({ ok: false, error: refusal });
      return;
    }
    const log = logOf(this.world, sessionId);
    if (!log.receipts.has(command.id)) {
      log.effects.push(command);
      const lastSeq = log.facts.length + log.oldestSeq - 1;
      const receipt: Receipt = { commandId: command.id, status: 'stored', seq: lastSeq + 1 };
      log.receipts.set(command.id, receipt);
      const text = command.type === 'message.send' ? command.text : command.type;
      this.append(sessionId, { type: 'message.user', data: { messageId: command.id, turnId: null, text } });
    }
    if (!this.faults.loseAck(command)) ack({ ok: true, receipt: log.receipts.get(command.id) });
  }

  #input(body: { sessionId: string; inputId: string; offset: number; data: Uint8Array }, ack: Ack): void {
    const error = this.faults.refuseInput?.() ?? null;
    if (error !== null) {
      ack({ ok: false, error });
      return;
    }
    const log = logOf(this.world, body.sessionId);
    const have = log.typed.get(body.inputId) ?? 0;
    if (body.offset > have) {
      ack({ ok: false, error: { kind: 'conflict', message: 'keys are missing' } });
      return;
    }
    const fresh = Buffer.from(body.data).subarray(have - body.offset);
    log.keys += fresh.toString();
    log.typed.set(body.inputId, have + fresh.byteLength);
    if (!this.faults.loseInputAck) ack({ ok: true, offset: have + fresh.byteLength });
  }
}
