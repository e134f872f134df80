/** A WebSocket by hand: it sends what it is told and nothing else, as a peer does that is half there. */
import { type Socket, connect } from 'node:net';
import { eventually } from '@holdfast/testkit/eventually.ts';

export class RawWebSocket {
  readonly connection: Socket;
  /** Everything that came, as text. */
  received = '';
  closed = false;

  private constructor(connection: Socket) {
    this.connection = connection;
    connection.on('data', (data) => (this.received += data.toString('latin1')));
    connection.on('error', () => undefined);
    connection.once('close', () => (this.closed = true));
  }

  /** Connected to a Socket.IO door and its namespace ("" or "/name,"), with the key in the header. from: its address. */
  static async open(port: number, path: string, namespace: string, key: string, from?: string): Promise<RawWebSocket> {
    const socket = new RawWebSocket(connect({ port, host: '127.0.0.1', localAddress: from }));
    socket.connection.write(
      [
        `GET ${path}?EIO=4&transport=websocket HTTP/1.1`,
        'host: 127.0.0.1',
        `authorization: Bearer ${key}`,
        'connection: Upgrade',
        'upgrade: websocket',
        'sec-websocket-version: 13',
        'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
        '\r\n',
      ].join('\r\n'),
    );
    await eventually('the handshake', () => socket.received.includes('"sid"'));
    socket.send(`40${namespace}`);
    await eventually('the namespace', () => socket.received.includes(`40${namespace}{"sid"`));
    return socket;
  }

  send(text: string): void {
    this.connection.write(frame(text));
  }

  /** Part of a message, of which the rest does not come. */
  sendHalf(text: string): void {
    const whole = frame(text);
    this.connection.write(whole.subarray(0, whole.length / 2));
  }

  destroy(): void {
    this.connection.destroy();
  }
}

/** One masked text frame; the mask is zero. */
export function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(8);
  head[0] = 0x81;
  head[1] = 0x80 | 126;
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
