/** A network between a client and a server, on loopback: it can be cut, go silent, become slow and lose answers. */
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';

/** Bytes passed on at once while throttled. */
const slice = 4 * 1024;

export interface ProxyState {
  /** What the client sends does not arrive. Half-open: nobody is told. */
  stallUp: boolean;
  /** What the server sends does not arrive. */
  stallDown: boolean;
  /** Bytes per second from the server to all clients together; null: as fast as it goes. */
  downRate: number | null;
}

const clear: ProxyState = { stallUp: false, stallDown: false, downRate: null };

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Takes up again what a stall or the rate held back. */
  resume(): void;
}

export class TcpProxy {
  readonly #server: Server;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  #state = clear;
  /** When the next byte may go down, ms. */
  #free = 0;
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

  get open(): number {
    return this.#pairs.size;
  }

  /** From now on, for open and new connections. What was held back goes on when nothing holds it any more. */
  set(state: Partial<ProxyState>): void {
    this.#state = { ...clear, ...state };
    for (const pair of this.#pairs) pair.resume();
  }

  /** Ends what is open: as a proxy does (drop: FIN), or as a dead host does (reset: RST). */
  cut(how: 'drop' | 'reset'): void {
    for (const { client, server } of this.#pairs) {
      if (how === 'drop') client.end();
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
    const up = pump(client, server, () => (this.#state.stallUp ? null : 0));
    const down = pump(server, client, (bytes) => (this.#state.stallDown ? null : this.#wait(bytes)));
    const pair: Pair = { client, server, resume: () => [up, down].forEach((resume) => resume()) };
    this.#pairs.add(pair);
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => {
        other.destroy();
        this.#pairs.delete(pair);
      });
    }
  }

  /** How long the next slice waits, ms, so that the rate holds. */
  #wait(bytes: number): number {
    const { downRate } = this.#state;
    if (downRate === null) return 0;
    const now = performance.now();
    const wait = Math.max(0, this.#free - now);
    this.#free = now + wait + (bytes / downRate) * 1_000;
    return wait;
  }
}

/** Passes on what `from` has, a slice at a time; delay: ms for the next slice, or null: not before resume() is called. */
function pump(from: Socket, to: Socket, delay: (bytes: number) => number | null): () => void {
  let busy = false;
  const pass = (): void => {
    if (busy || to.destroyed) return;
    const size = Math.min(slice, from.readableLength);
    if (size === 0) return;
    const wait = delay(size);
    if (wait === null) return;
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
    if (wait > 0) setTimeout(send, wait);
    else send();
  };
  from.on('readable', pass);
  from.on('end', () => to.end());
  return pass;
}
