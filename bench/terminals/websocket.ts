/**
 * A WebSocket client with as little of its own as can be, so that what is measured is the server: it offers no extension
 * and copies nothing but what lies across two reads. One for all contestants that speak it.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface WebSocketEvents {
  /** A whole frame; `payload` is a view that must not be kept. */
  frame(payload: Buffer, binary: boolean): void;
  /** Once: it ended, whoever ended it. */
  closed(): void;
}

export interface RawWebSocket {
  send(payload: Buffer | string): void;
  close(): void;
}

/** Resolves once the server has agreed; rejects when it does not. */
export function openWebSocket(
  target: { readonly port: number; readonly path: string; readonly protocol?: string },
  events: WebSocketEvents,
): Promise<RawWebSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: target.port, host: '127.0.0.1', noDelay: true });
    let agreed = false;
    let rest: Buffer = Buffer.alloc(0);
    socket.write(
      `GET ${target.path} HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n` +
        (target.protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${target.protocol}\r\n`) +
        '\r\n',
    );
    socket.on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      if (!agreed) {
        const end = rest.indexOf('\r\n\r\n');
        if (end === -1) return;
        const status = rest.toString('latin1', 0, rest.indexOf('\r\n'));
        if (!status.includes(' 101 ')) return void socket.destroy(new Error(status));
        agreed = true;
        rest = rest.subarray(end + 4);
        resolve(clientOf(socket));
        // What came along is handed out once the caller has the client.
        setImmediate(() => (rest = takeFrames(rest, socket, events)));
        return;
      }
      rest = takeFrames(rest, socket, events);
    });
    socket.on('error', reject);
    socket.on('close', () => {
      reject(new Error('the connection was closed'));
      if (agreed) events.closed();
    });
  });
}

function clientOf(socket: Socket): RawWebSocket {
  return {
    send: (payload) => {
      const binary = typeof payload !== 'string';
      sendFrame(socket, binary ? opcodes.binary : opcodes.text, binary ? payload : Buffer.from(payload));
    },
    close: () => void socket.destroy(),
  };
}

/** @returns what is left: the beginning of a frame. */
function takeFrames(bytes: Buffer, socket: Socket, events: WebSocketEvents): Buffer {
  let at = 0;
  while (bytes.length - at >= 2) {
    const opcode = (bytes[at] as number) & 0x0f;
    const short = (bytes[at + 1] as number) & 0x7f;
    const header = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (bytes.length - at < header) break;
    const length = short === 127 ? bytes.readUIntBE(at + 4, 6) : short === 126 ? bytes.readUInt16BE(at + 2) : short;
    if (bytes.length - at < header + length) break;
    const payload = bytes.subarray(at + header, at + header + length);
    at += header + length;
    if (opcode === opcodes.text || opcode === opcodes.binary) events.frame(payload, opcode === opcodes.binary);
    else if (opcode === opcodes.ping) sendFrame(socket, opcodes.pong, payload);
    else if (opcode === opcodes.close) socket.end();
  }
  return bytes.subarray(at);
}

/** Masked as a client must, with a mask of zeros: the server still has to take it off. */
function sendFrame(socket: Socket, opcode: number, payload: Buffer): void {
  const { length } = payload;
  const size = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.alloc(size + 4 + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (size === 2 ? length : size === 4 ? 126 : 127);
  if (size === 4) frame.writeUInt16BE(length, 2);
  if (size === 10) frame.writeUIntBE(length, 4, 6);
  payload.copy(frame, size + 4);
  socket.write(frame);
}
