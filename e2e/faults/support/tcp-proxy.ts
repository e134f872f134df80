/** A network between a client and a server, on loopback: it can be cut, go silent, become slow and lose answers. */
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

/** Bytes passed on at once while throttled. */
const slice = 4 * 1024;

export interface ProxyState {
  /** Nothing of what the client sends arrives, not even that it hangs up. Half-open: nobody is told. */
  stallUp: boolean;
  /** The same of what the server sends. */
  stallDown: boolean;
  /** Bytes per second from all clients together to the server; null: as fast as it goes. */
  upRate: number | null;
  /** The same from the server. */
  downRate: number | null;
}

const clear: ProxyState = { stallUp: false, stallDown: false, upRate: null, downRate: null };

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Takes up again what a stall or the rate held back. */
  resume(): void;
}

/** What holds one direction back. */
interface Gate {
  stalled(): boolean;
  /** How long the next bytes wait, ms, so that the rate holds. */
  wait(bytes: number): number;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  #state = clear;
  readonly #up = rateGate(() => ({ stalled: this.#state.stallUp, rate: this.#state.upRate }));
  readonly #down = rateGate(() => ({ stalled: this.#state.stallDown, rate: this.#state.downRate }));
  /** Connections accepted since the start. */
  accepted = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client));
  }

  static async open(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on, for open and new connections. What was held back goes on when nothing holds it any more. */
  set(state: Partial<ProxyState>): void {
    this.#state = { ...clear, ...state };
    for (const pair of this.#pairs) pair.resume();
  }

  /** Ends what is open: as a proxy does (drop: FIN), or as a dead host does (reset: RST). */
  cut(how: 'drop' | 'reset'): void {
    for (const { client, server } of this.#pairs) {
      if (how === 'drop') client.end(() => client.destroy());
      else client.resetAndDestroy();
      server.destroy();
    }
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut('reset');
    await closed;
  }

  #accept(client: Socket): void {
    this.accepted += 1;
    const server = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    const up = pump(client, server, this.#up);
    const down = pump(server, client, this.#down);
    const pair: Pair = { client, server, resume: () => [up, down].forEach((resume) => resume()) };
    this.#pairs.add(pair);
    const forget = (): void => {
      if (client.closed && server.closed) this.#pairs.delete(pair);
    };
    for (const socket of [client, server]) socket.on('close', forget);
  }
}

function rateGate(read: () => { readonly stalled: boolean; readonly rate: number | null }): Gate {
  /** When the next byte may go, ms. */
  let free = 0;
  return {
    stalled: () => read().stalled,
    wait: (bytes) => {
      const { rate } = read();
      if (rate === null) return 0;
      const now = performance.now();
      const wait = Math.max(0, free - now);
      free = now + wait + (bytes / rate) * 1_000;
      return wait;
    },
  };
}

/** Passes on what `from` has, a slice at a time, and its end. Answers what takes up again what was held back. */
function pump(from: Socket, to: Socket, gate: Gate): () => void {
  let busy = false;
  let closed = false;
  const pass = (): void => {
    if (busy || to.destroyed || gate.stalled()) return;
    if (from.readableEnded) return void to.end(closed ? () => to.destroy() : undefined);
    if (closed) return void to.destroy();
    const size = Math.min(slice, from.readableLength);
    // Which tells of the end, where that is what there is.
    if (size === 0) return void from.read(0);
    busy = true;
    const send = (): void => {
      const data = from.read(size) as Buffer | null;
      const go = (): void => {
        busy = false;
        pass();
      };
      if (data === null || to.destroyed || to.write(data)) go();
      else to.once('drain', go);
    };
    const wait = gate.wait(size);
    if (wait > 0) setTimeout(send, wait);
    else send();
  };
  for (const name of ['readable', 'end'] as const) from.on(name, pass);
  // What follows is its close.
  from.on('error', () => undefined);
  from.on('close', () => {
    closed = true;
    pass();
  });
  return pass;
}
