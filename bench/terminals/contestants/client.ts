/** Clients of all contestants: each does the least its server needs to go on. */
import { connect } from 'node:net';
import { openWebSocket } from '../websocket.ts';
import { type Address, size, type TerminalClient, type TerminalEvents } from './contestant.ts';
import { connectHoldfast } from './holdfast-client.ts';

/** `port`: another one to connect to, which leads to the address's own. */
export function connectTerminal(
  address: Address,
  events: TerminalEvents,
  port = address.port,
): Promise<TerminalClient> {
  switch (address.kind) {
    case 'raw':
      return connectRaw({ ...address, port }, events);
    case 'ttyd':
      return connectTtyd({ ...address, port }, events);
    case 'holdfast':
      return connectHoldfast({ ...address, port }, events);
  }
}

function connectRaw(
  { port, command }: Extract<Address, { kind: 'raw' }>,
  events: TerminalEvents,
): Promise<TerminalClient> {
  return new Promise((resolve, reject) => {
    let open = true;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
      socket.write(`${[`${size.columns} ${size.rows}`, ...command].join('\x1f')}\n`);
      resolve({
        write: (text) => void socket.write(text),
        close: () => {
          open = false;
          socket.destroy();
        },
      });
    });
    socket.on('data', (chunk: Buffer) => events.output(chunk));
    socket.on('error', reject);
    socket.on('close', () => {
      if (open) events.closed?.();
    });
  });
}

/** ttyd's own protocol: output frames begin with 0, input frames too, and a first message tells the size. */
async function connectTtyd(
  { port, path }: Extract<Address, { kind: 'ttyd' }>,
  events: TerminalEvents,
): Promise<TerminalClient> {
  let open = true;
  const outputMark = 0x30;
  const socket = await openWebSocket(
    { port, path, protocol: 'tty' },
    {
      frame: (payload) => {
        if (open && payload[0] === outputMark) events.output(payload.subarray(1));
      },
      closed: () => {
        if (open) events.closed?.();
      },
    },
  );
  socket.send(Buffer.from(JSON.stringify({ AuthToken: '', columns: size.columns, rows: size.rows })));
  return {
    write: (text) => socket.send(Buffer.from(`0${text}`)),
    close: () => {
      open = false;
      socket.close();
    },
  };
}
