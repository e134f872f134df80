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

interface Answer {
  readonly type: 'answer';
  readonly id: number;
  readonly answer: unknown;
}
/** id: null where no answer is wanted. */
export type ToPage =
  Answer | { readonly type: 'push'; readonly id: number | null; readonly name: string; readonly message: unknown };
export type FromPage =
  Answer | { readonly type: 'request'; readonly id: number | null; readonly name: string; readonly body: unknown };

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
  readonly pages: Set<ClientSocket>;
  readonly serverId: string;
  ready: boolean;
}

/** From the word that it goes until it has gone, ms. */
const drainMs = 2_500;

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
      random: () => 0.5,
      replay,
      log,
    });
    const life: Life = {
      application,
      store,
      fuse,
      wires: new Map(),
      pages: new Set(),
      serverId: newId(),
      ready: false,
    };
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
    const page = serve(wire.far, life, this.#options);
    life.pages.add(page);
    wire.far.onClose(() => life.pages.delete(page));
    return true;
  }

  /** It is asked to stop: lets nobody in, sends everybody away, and is gone. */
  drain(): void {
    const life = this.#life;
    if (life === null) return;
    life.ready = false;
    for (const page of life.pages) page.move(500);
    this.#options.time.after(drainMs, () => life.fuse.light(0, 'before'));
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
function serve(end: End<ToPage, FromPage>, life: Life, options: SimulatedServerOptions): ClientSocket {
  let receive: (name: string, ...values: unknown[]) => void = () => undefined;
  let heard: () => void = () => undefined;
  const answers = new Map<number, (answer: unknown) => void>();
  const ask = (answer: (answer: unknown) => void): number => {
    answers.set(answers.size, answer);
    return answers.size - 1;
  };
  const socket = {
    id: 's',
    conn: {
      transport: { writable: true, on: () => undefined },
      on: (event: string, listener: () => void) => {
        if (event === 'packet') heard = listener;
        if (event === 'close') end.onClose(listener);
      },
      close: () => end.close(),
    },
    onAny: (listener: typeof receive) => void (receive = listener),
    once: (_event: 'disconnect', listener: () => void) => end.onClose(listener),
    emit: (name: string, message: unknown, answer?: (answer: unknown) => void) =>
      end.send({ type: 'push', id: answer === undefined ? null : ask(answer), name, message }),
    disconnect: () => end.close(),
  };
  const page = new ClientSocket({
    socket: socket as unknown as ClientSocketOptions['socket'],
    login: { ...login, loginId: 'login' },
    application: life.application,
    metrics: { countSocketRequest: () => undefined } as unknown as ClientSocketOptions['metrics'],
    log: options.log,
    serverId: life.serverId,
    clock: options.time,
    makeReference: options.newId,
  });
  end.onMessage((message) => {
    heard();
    if (message.type === 'answer') return answers.get(message.id)?.(message.answer);
    const { id, name, body } = message;
    if (id === null) receive(name, body);
    else receive(name, body, (answer: unknown) => end.send({ type: 'answer', id, answer }));
  });
  return page;
}
