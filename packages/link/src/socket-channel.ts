/**
 * A Channel on a Socket.IO socket, the same on both ends. Messages travel as they are, binary data as binary; each end
 * tells the other how many it has taken, so that what waits in sockets, proxies and the network counts as waiting too.
 */
import type { Channel } from './channel.ts';
import { messageSize } from './message-size.ts';

/** Bounds of one end, in what messageSize() measures. */
export interface ChannelLimits {
  /** One message. A larger one is given to `tooLarge` instead of being sent. */
  readonly message: number;
  /** Sent and not taken by the other end. Beyond, the channel closes: the other end is stuck. */
  readonly outgoing: number;
  /** Came before there was a listener. Beyond, the channel closes. */
  readonly incoming: number;
}

export interface SocketChannelOptions<Out> {
  readonly limits: ChannelLimits;
  /** A no-op once the socket is gone. */
  readonly emit: (name: 'message' | 'taken', value: unknown) => void;
  /** End the connection; called once, when this end closes. */
  readonly hangUp: () => void;
  /** Answers a smaller one to send instead, or null: nothing. */
  readonly tooLarge: (message: Out, size: number) => Out | null;
}

export interface SocketChannel<Out, In> {
  /** Whoever listens parses what comes: In is what it should be. */
  readonly channel: Channel<Out, In>;
  /** An event of the socket. false: none of a channel. */
  readonly received: (name: string, value: unknown) => boolean;
  /** The connection has ended. */
  readonly lost: () => void;
}

export function socketChannel<Out, In>(options: SocketChannelOptions<Out>): SocketChannel<Out, In> {
  const { limits, emit, hangUp, tooLarge } = options;
  let open = true;
  let listener: ((message: In) => void) | null = null;
  const closeListeners: (() => void)[] = [];

  let inbox: In[] = [];
  let inboxSize = 0;
  let delivering = false;
  let taken = 0;
  let telling = false;

  /** Sizes of what is on its way, oldest first. */
  const sizes: number[] = [];
  let sizesStart = 0;
  let acknowledged = 0;
  let outgoing = 0;

  const end = (): void => {
    if (!open) return;
    open = false;
    inbox = [];
    sizes.length = 0;
    outgoing = 0;
    for (const tell of closeListeners.splice(0)) queueMicrotask(tell);
  };
  const close = (): void => {
    if (!open) return;
    end();
    hangUp();
  };

  /** One number for all that was taken in a while: a flood is not answered message by message. */
  const tellTaken = (): void => {
    if (telling) return;
    telling = true;
    setTimeout(() => {
      telling = false;
      if (open) emit('taken', taken);
    }, 0);
  };
  const deliver = (): void => {
    delivering = false;
    while (open && listener !== null) {
      const message = inbox.shift();
      if (message === undefined) break;
      taken += 1;
      tellTaken();
      try {
        listener(message);
      } catch (error) {
        // A listener's bug is its own: the rest is still delivered, then the bug surfaces.
        schedule();
        throw error;
      }
    }
    if (inbox.length === 0) inboxSize = 0;
  };
  const schedule = (): void => {
    if (delivering || listener === null) return;
    delivering = true;
    queueMicrotask(deliver);
  };
  const acknowledge = (count: unknown): void => {
    if (typeof count !== 'number' || !Number.isInteger(count)) return;
    for (; acknowledged < count && sizesStart < sizes.length; acknowledged += 1, sizesStart += 1) {
      outgoing -= sizes[sizesStart] ?? 0;
    }
    if (sizesStart * 2 < sizes.length) return;
    sizes.splice(0, sizesStart);
    sizesStart = 0;
  };
  const send = (message: Out): void => {
    if (!open) return;
    const size = messageSize(message);
    if (size > limits.message) {
      const instead = tooLarge(message, size);
      if (instead !== null) send(instead);
      return;
    }
    sizes.push(size);
    outgoing += size;
    if (outgoing > limits.outgoing) close();
    else emit('message', message);
  };

  return {
    channel: {
      get bufferedBytes() {
        return outgoing;
      },
      send,
      onMessage: (next) => {
        listener = next;
        if (inbox.length > 0) schedule();
      },
      onClose: (tell) => {
        if (open) closeListeners.push(tell);
        else queueMicrotask(tell);
      },
      close,
    },
    received: (name, value) => {
      if (name === 'taken') {
        acknowledge(value);
        return true;
      }
      if (name !== 'message') return false;
      if (!open) return true;
      inbox.push(value as In);
      if (listener === null) {
        inboxSize += messageSize(value);
        if (inboxSize > limits.incoming) close();
      }
      schedule();
      return true;
    },
    lost: end,
  };
}
