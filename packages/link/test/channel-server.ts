/** A server that makes a channel of each socket, on the door runners know. */
import { type Server as HttpServer, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import { Server, type Socket } from 'socket.io';
import type { Channel } from '../src/channel.ts';
import { runnerDoor, runnerPacketBytes } from '../src/runner-door.ts';
import { type ChannelLimits, socketChannel } from '../src/socket-channel.ts';
import type { TestMessage } from './channel-contract.ts';

export class ChannelServer {
  readonly sockets: Socket[] = [];
  readonly channels: Channel<TestMessage, TestMessage>[] = [];
  /** Connections tried, refused ones too. */
  attempts = 0;
  /** The answer to a handshake's key; false: status 403. */
  letIn = true;
  version = protocolVersion;
  readonly #http: HttpServer = createServer();
  readonly #io: Server;

  private constructor(limits: ChannelLimits) {
    this.#io = new Server(this.#http, {
      path: runnerDoor.path,
      maxHttpBufferSize: runnerPacketBytes,
      allowRequest: (request, decide) => {
        this.attempts += 1;
        if (this.letIn) decide(null, true);
        else if (request.headers.upgrade === undefined) decide('no', false);
        else request.socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      },
    });
    this.#io.of(runnerDoor.namespace).on('connection', (socket) => {
      this.sockets.push(socket);
      socket.on('hello', (_body: unknown, answer: (value: unknown) => void) =>
        answer({ ok: true, protocolVersion: this.version, serverId: 's', time: new Date().toISOString() }),
      );
      const { channel, received, lost } = socketChannel<TestMessage, TestMessage>({
        limits,
        emit: (name, value) => void socket.emit(name, value),
        hangUp: () => void socket.disconnect(true),
        tooLarge: () => null,
      });
      socket.onAny((name: string, value: unknown) => void received(name, value));
      socket.once('disconnect', lost);
      this.channels.push(channel);
    });
  }

  static async start(limits: ChannelLimits, port = 0): Promise<ChannelServer> {
    const server = new ChannelServer(limits);
    await new Promise<void>((listening) => server.#http.listen(port, '127.0.0.1', listening));
    return server;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    await this.#io.close();
  }
}
