/**
 * How much a connection has been given that it has not taken. Engine.IO hands its buffer to the transport whenever the
 * transport is writable, which it is again once the last batch is with the system: so what counts is that batch and
 * what has gathered behind it.
 */
interface Connection {
  readonly transport: { readonly writable: boolean };
  on(event: 'packetCreate', listener: (packet: { data?: string | ArrayBufferView }) => void): unknown;
  on(event: 'flush', listener: () => void): unknown;
}

export class Outgoing {
  readonly #connection: Connection;
  #gathered = 0;
  #handedOver = 0;

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
  }

  get bytes(): number {
    return this.#gathered + (this.#connection.transport.writable ? 0 : this.#handedOver);
  }
}
