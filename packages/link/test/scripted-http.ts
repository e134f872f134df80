/**
 * REST and event streams in front of a ScriptedServer: every stream of changes is one socket to it, and what is asked
 * meanwhile goes over the latest. So all that the scripted server does wrong happens here too.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type Socket, io } from 'socket.io-client';
import { type ErrorBody, errorStatus } from '@holdfast/protocol/error.ts';
import { type ScriptedServer, ownHeader } from './scripted-server.ts';

interface Connection {
  readonly socket: Socket;
  readonly responses: Set<ServerResponse>;
}

type Answer = { ok: boolean; error?: ErrorBody } & Record<string, unknown>;

export function scriptedHttp(server: ScriptedServer): RequestListener {
  let latest: Connection | null = null;

  const refuse = (response: ServerResponse, error: ErrorBody): void => {
    response.writeHead(errorStatus[error.kind], { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error }));
  };
  const begin = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    // Often enough for clients whose clocks run fast.
    const heartbeat = setInterval(() => {
      if (!server.faults.mute) write(response, 'heartbeat', { at: '2026-01-01T00:00:00.000Z' });
    }, 100);
    response.once('close', () => clearInterval(heartbeat));
  };
  const write = (response: ServerResponse, event: string, data: unknown): void => {
    if (!response.closed) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const track = (connection: Connection, response: ServerResponse): void => {
    connection.responses.add(response);
    response.once('close', () => connection.responses.delete(response));
  };

  const changes = (response: ServerResponse): void => {
    const socket = io(server.url, {
      forceNew: true,
      reconnection: false,
      transports: ['websocket'],
      extraHeaders: { [ownHeader]: 'yes' },
    });
    const connection: Connection = { socket, responses: new Set() };
    track(connection, response);
    response.once('close', () => socket.disconnect());
    socket.on('connect_error', (error) => {
      const { data } = error as { data?: ErrorBody };
      if (data === undefined) response.destroy();
      else refuse(response, data);
    });
    socket.on('disconnect', () => {
      for (const one of connection.responses) one.destroy();
    });
    socket.on('connect', () => {
      socket.emit('hello', { protocolVersion: 1 }, ({ protocolVersion, time }: Answer) => {
        latest = connection;
        begin(response);
        write(response, 'hello', { protocolVersion, time });
        socket.emit('watch', {}, () => undefined);
      });
    });
    socket.on('session', (message: { session: unknown }) => write(response, 'session', message.session));
    socket.on('sessionDeleted', (message: unknown) => write(response, 'deleted', message));
  };

  const follow = ({ socket }: Connection, response: ServerResponse, url: URL, sessionId: string): void => {
    const tty = url.searchParams.get('tty');
    const output = tty === null ? {} : { tty: { from: tty === 'screen' ? null : Number(tty) } };
    const listener = (name: string, value: unknown): void => {
      if (typeof value !== 'object' || value === null || !('sessionId' in value)) return;
      const { sessionId: of, ...message } = value as { sessionId: string } & Record<string, unknown>;
      if (of !== sessionId) return;
      const data = message['data'];
      if (name === 'facts') {
        const { facts } = message;
        for (const fact of Array.isArray(facts) ? facts : [facts]) write(response, 'fact', fact);
      } else if (name === 'tty') {
        write(response, 'tty', { ...message, data: Buffer.from(data as Uint8Array).toString('base64') });
      } else write(response, name, name === 'screen' ? message['screen'] : message);
    };
    const after = url.searchParams.get('after');
    socket.emit(
      'subscribe',
      { sessionId, after: after === 'tail' ? null : Number(after), ...output },
      ({ ok, error, ...answer }: Answer) => {
        if (!ok && error !== undefined) return refuse(response, error);
        begin(response);
        write(response, 'resume', { ...answer, streamId: `stream-of-${sessionId}` });
        socket.onAny(listener);
      },
    );
    response.once('close', () => {
      socket.offAny(listener);
      if (socket.connected) socket.emit('unsubscribe', { sessionId }, () => undefined);
    });
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', server.url);
    if (url.pathname === '/api/sessions/changes') return changes(response);
    if (latest?.socket.connected !== true) return void response.destroy();
    const connection = latest;
    track(connection, response);
    const [, , , sessionId = '', what] = url.pathname.split('/');
    if (what === 'events') return follow(connection, response, url, sessionId);
    const body = JSON.parse((await text(request)) || '{}') as Record<string, unknown>;
    const ask = (name: string, message: unknown): void => {
      connection.socket.emit(name, message, ({ ok, error, ...rest }: Answer) => {
        if (!ok && error !== undefined) return refuse(response, error);
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(rest));
      });
    };
    if (url.pathname === '/api/ping') return ask('ping', { nonce: url.searchParams.get('nonce') });
    if (what === 'commands') return ask('command', { sessionId, command: body });
    if (what === 'input') {
      return ask('input', { ...body, sessionId, data: Buffer.from(String(body['data']), 'base64') });
    }
    if (what === 'parsed') {
      connection.socket.emit('parsed', { sessionId, offset: body['offset'] });
      response.writeHead(204).end();
      return;
    }
    response.writeHead(404).end();
  };

  return (request, response) => {
    answer(request, response).catch(() => response.destroy());
  };
}
