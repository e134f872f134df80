/**
 * What the page says to the server, packet for packet (Socket.IO over one WebSocket, terminal data binary, keys with
 * their place, credit given back for what has been taken), without the page's own work.
 */
import { randomUUID } from 'node:crypto';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import { openWebSocket, type RawWebSocket } from '../websocket.ts';
import type { Address, TerminalClient, TerminalEvents } from './contestant.ts';

/** Engine.IO's packets that matter here, and Socket.IO's inside of them. */
const packets = {
  open: '0',
  ping: '2',
  pong: '3',
  connect: '40',
  refused: '44',
  event: '42',
  binaryEvent: '451-',
  answer: '43',
};

export async function connectHoldfast(
  { port, key, sessionId }: Extract<Address, { kind: 'holdfast' }>,
  events: TerminalEvents,
): Promise<TerminalClient> {
  const inputId = randomUUID();
  const ready = Promise.withResolvers<void>();
  let open = true;
  let written = 0;
  let lastRequest = 0;
  /** Of the block whose bytes are the next frame. */
  let offset = 0;

  const request = (name: string, body: object): void => {
    lastRequest += 1;
    socket.send(`${packets.event}${lastRequest}${JSON.stringify([name, body])}`);
  };
  const parsed = (upTo: number): void => {
    socket.send(`${packets.event}${JSON.stringify(['parsed', { sessionId, offset: upTo }])}`);
  };
  const receive = (text: string): void => {
    if (text.startsWith(packets.binaryEvent)) {
      offset = Number(/"offset":(\d+)/.exec(text)?.[1]);
    } else if (text === packets.ping) {
      socket.send(packets.pong);
    } else if (text.startsWith(packets.open)) {
      socket.send(`${packets.connect}${JSON.stringify({ key })}`);
    } else if (text.startsWith(packets.connect)) {
      request('hello', { protocolVersion });
      request('subscribe', { sessionId, after: 0, tty: { from: null } });
    } else if (text.startsWith(packets.refused)) {
      ready.reject(new Error(text));
    } else if (text.startsWith(packets.answer)) {
      answered(text);
    } else if (text.startsWith(`${packets.event}["screen"`)) {
      const [, { screen }] = JSON.parse(text.slice(packets.event.length)) as [string, { screen: Screen }];
      events.output(Buffer.from(screen.ansi));
      parsed(screen.offset);
    }
  };
  const answered = (text: string): void => {
    const at = text.indexOf('[');
    const failed = text.includes('"ok":false');
    if (failed) ready.reject(new Error(text));
    else if (text.slice(packets.answer.length, at) === '2') ready.resolve();
  };

  const socket: RawWebSocket = await openWebSocket(
    { port, path: '/socket.io/?EIO=4&transport=websocket' },
    {
      frame: (payload, binary) => {
        if (!open) return;
        if (!binary) return receive(payload.toString('utf8'));
        parsed(offset + payload.length);
        events.output(payload);
      },
      closed: () => {
        ready.reject(new Error('the server closed the connection'));
        if (open) events.closed?.();
      },
    },
  );
  await ready.promise;
  return {
    write: (text) => {
      const data = Buffer.from(text);
      lastRequest += 1;
      const body = { sessionId, inputId, offset: written, data: { _placeholder: true, num: 0 } };
      socket.send(`${packets.binaryEvent}${lastRequest}${JSON.stringify(['input', body])}`);
      socket.send(data);
      written += data.length;
    },
    close: () => {
      open = false;
      socket.close();
    },
  };
}

interface Screen {
  readonly ansi: string;
  readonly offset: number;
}
