/** The server of a run: the real application and socket door over the real store, in a file that outlives them. */
import type { ToRunner, ToServer } from '@holdfast/protocol/runner.ts';
import type { Login } from '@holdfast/server/application/application.ts';
import { HoldfastApplication } from '@holdfast/server/application/holdfast-application.ts';
import type { ReplayLimits } from '@holdfast/server/application/session-feed.ts';
import { ClientSocket, type ClientSocketOptions } from '@holdfast/server/socket/client-socket.ts';
import type { Store } from '@holdfast/store/store.ts';
import { openSqliteStore } from '@holdfast/store/sqlite/open.ts';
import { type Fuse, fused } from './fuse.ts';
import type { End, Wire } from './network.ts';
import type { VirtualTime } from './virtual-time.ts';

export const login: Login = { userId: 'owner', name: 'Ada', via: 'cookie', device: 'laptop' };

export type ToPage =
  | { readonly type: 'answer'; readonly id: number; readonly answer: unknown }
  | { readonly type: 'push'; readonly name: string; readonly message: unknown };
export type FromPage = {
  readonly type: 'request';
  readonly id: number | null;
  readonly name: string;
  readonly body: unknown;
};

export interface SimulatedServerOptions {
  readonly file: string;
  readonly time: VirtualTime;
  readonly newId: () => string;
  readonly log: ClientSocketOptions['log'];
  /** It was struck down. */
  readonly onCrash: () => void;
}

/** Small, so that in many runs devices come back from beyond it. */
export const replay: ReplayLimits = { window: 12, tail: 6 };

/** One life of the server's process. */
interface Life {
  readonly application: HoldfastApplication;
  /** Past the fuse: for those who look from outside. */
  readonly store: Store;
  readonly fuse: Fuse;
  readonly wires: Map<End<never, never>, Wire<never, never>>;
  ready: boolean;
}

export class SimulatedServer {
  readonly #options: SimulatedServerOptions;
  #life: Life | null = null;

  constructor(options: SimulatedServerOptions) {
    this.#options = options;
  }

  /** Null while it is down. */
  get store(): Store | null {
    return this.#life?.store ?? null;
  }

  get application(): HoldfastApplication | null {
    return this.#life?.application ?? null;
  }

  get fuse(): Fuse | null {
    return this.#life?.fuse ?? null;
  }

  async start(): Promise<void> {
    const { file, newId, time, log, onCrash } = this.#options;
    const opened = await openSqliteStore({ path: file });
    if (!opened.ok) throw new Error(opened.error.message);
    const store = opened.value;
    const { through, fuse } = fused(store, [], () => {
      if (this.#life?.fuse === fuse) this.#gone(this.#life);
      onCrash();
    });
    const application = new HoldfastApplication({
      store: through,
      newId,
      time: () => time.time(),
      now: () => time.now(),
      later: (ms, call) => time.after(ms, call),
      replay,
      log,
    });
    const life: Life = { application, store, fuse, wires: new Map(), ready: false };
    this.#life = life;
    // Nobody is served before what lives has been compared with what is kept (LINK3).
    application.whenReady().then(
      () => (life.ready = true),
      (error: unknown) => log.error({ err: error }, 'never ready'),
    );
  }

  /** False: nobody listens. */
  acceptRunner(wire: Wire<ToServer, ToRunner>): boolean {
    const life = this.#life;
    if (life === null) return false;
    this.#own(life, wire, wire.far);
    life.application.connectRunner(wire.far, null);
    return true;
  }

  acceptPage(wire: Wire<FromPage, ToPage>): boolean {
    const life = this.#life;
    if (life === null || !life.ready) return false;
    this.#own(life, wire, wire.far);
    serve(wire.far, life.application, this.#options);
    return true;
  }

  /** For good. */
  async close(): Promise<void> {
    const life = this.#life;
    if (life === null) return;
    this.#life = null;
    life.fuse.light(0, 'before');
    for (const [end, wire] of life.wires) wire.abandon(end);
    life.application.close();
    await life.store.close();
  }

  #own<Up, Down>(life: Life, wire: Wire<Up, Down>, end: End<Down, Up>): void {
    const key = end as unknown as End<never, never>;
    life.wires.set(key, wire as unknown as Wire<never, never>);
    end.onClose(() => life.wires.delete(key));
  }

  /** What was not committed is gone with it; its file is as the last commit left it. */
  #gone(life: Life): void {
    this.#life = null;
    for (const [end, wire] of life.wires) wire.abandon(end);
    // Only frees its timers: its ends are dead and its store does nothing more.
    life.application.close();
    life.store.close().catch((error: unknown) => this.#options.log.error({ err: error }, 'the store was not closed'));
  }
}

/** What Socket.IO does on the server's side, for the real door. */
function serve(end: End<ToPage, FromPage>, application: HoldfastApplication, options: SimulatedServerOptions): void {
  let receive: (name: string, ...values: unknown[]) => void = () => undefined;
  const socket = {
    conn: { transport: { writable: true, on: () => undefined }, on: () => undefined, close: () => end.close() },
    onAny: (listener: typeof receive) => void (receive = listener),
    once: (_event: 'disconnect', listener: () => void) => end.onClose(listener),
    emit: (name: string, message: unknown) => end.send({ type: 'push', name, message }),
    disconnect: () => end.close(),
  };
  new ClientSocket({
    socket: socket as unknown as ClientSocketOptions['socket'],
    login: { ...login, loginId: 'login' },
    application,
    metrics: { countSocketRequest: () => undefined } as unknown as ClientSocketOptions['metrics'],
    log: options.log,
    serverId: 'server',
    makeReference: options.newId,
  });
  end.onMessage(({ id, name, body }) => {
    if (id === null) receive(name, body);
    else receive(name, body, (answer: unknown) => end.send({ type: 'answer', id, answer }));
  });
}
