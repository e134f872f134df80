/** A line on which what the server says is lost, but for its signs of life: nobody can know what became of a command. */
import type { Page } from 'playwright-core';

export interface Line {
  /** Lost from now on, or not any more. */
  losing: boolean;
  /** Pings of the page that were not answered yet. */
  readonly unanswered: number;
}

/** Of the sockets that the page opens from now on. */
export async function lossyLine(page: Page): Promise<Line> {
  const line = { losing: false, unanswered: 0 };
  await page.routeWebSocket(/socket\.io/, (socket) => {
    const server = socket.connectToServer();
    line.unanswered = 0;
    socket.onMessage((message) => {
      if (isPing(message)) line.unanswered += 1;
      server.send(message);
    });
    server.onMessage((message) => {
      if (line.losing && !isSignOfLife(message)) return;
      if (isPong(message)) line.unanswered -= 1;
      socket.send(message);
    });
  });
  return line;
}

/** Engine.IO: 2, a ping. Socket.IO: 42[…], an event, and 43N[…], an answer. */
const isPing = (message: string | Buffer): boolean => /^42\d*\["ping"/.test(String(message));
const isPong = (message: string | Buffer): boolean => /^43\d+\[.*"nonce"/.test(String(message));
const isSignOfLife = (message: string | Buffer): boolean => message === '2' || isPing(message) || isPong(message);
