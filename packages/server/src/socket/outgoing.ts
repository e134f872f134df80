/**
 * How much a connection has been given that it has not taken. Engine.IO hands its buffer to the transport whenever the
 * transport is writable, which it is again once the last batch is with the system: so what counts is that batch and
 * what has gathered behind it.
 */
interface Transport {
  readonly writable: boolean;
  /** It is writable again. */
  on(event: 'ready', listener: () => void): unknown;
}

interface Connection {
  readonly transport: Transport;
  on(event: 'packetCreate', listener: (packet: { data?: string | ArrayBufferView }) => void): unknown;
  on(event: 'flush' | 'close', listener: () => void): unknown;
  /** It has another transport from now on. */
  on(event: 'upgrade', listener: (transport: Transport) => void): unknown;
}

/** Beyond so many bytes not taken it is congested: what can wait elsewhere should. */
const congestedBytes = 1024 * 1024;

export class Outgoing {
  readonly #connection: Connection;
  #gathered = 0;
  #handedOver = 0;
  #closed = false;
  #congestion: PromiseWithResolvers<void> | null = null;

  /** overflow: called for each packet beyond the limit (bytes). */
  constructor(connection: Connection, limit: number, overflow: () => void) {
    this.#connection = connection;
    connection.on('packetCreate', ({ data }) => {
      this.#gathered += data === undefined ? 0 : typeof data === 'string' ? data.length : data.byteLength;
      if (this.bytes > limit) overflow();
    });
    connection.on('flush', () => {
      this.#handedOver = this.#gathered;
      this.#gathered = 0;
    });
    connection.on('close', () => {
      this.#closed = true;
      this.#look();
    });
    const follow = (transport: Transport): void => void transport.on('ready', () => this.#look());
    follow(connection.transport);
    connection.on('upgrade', (transport) => {
      follow(transport);
      this.#look();
    });
  }

  get bytes(): number {
    return this.#gathered + (this.#connection.transport.writable ? 0 : this.#handedOver);
  }

  /** null: there is room. Else resolves when there is, or the connection has closed. */
  congestion(): Promise<void> | null {
    if (this.#closed || this.bytes <= congestedBytes) return null;
    this.#congestion ??= Promise.withResolvers<void>();
    return this.#congestion.promise;
  }

  #look(): void {
    if (!this.#closed && this.bytes > congestedBytes) return;
    this.#congestion?.resolve();
    this.#congestion = null;
  }
}
