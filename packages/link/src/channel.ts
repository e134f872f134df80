/** The pipe between server and runner: whole messages, in order, typed by the protocol. In memory here; remote elsewhere. */

export interface Channel<Out, In> {
  /** Dropped when the channel is closed. */
  send(message: Out): void;
  /** One listener; messages that came before it are kept for it. */
  onMessage(listener: (message: In) => void): void;
  /** Called once, also when the channel is closed already. */
  onClose(listener: () => void): void;
  close(): void;
  /** Bytes accepted and not yet taken by the other side. 0 where the other side takes at once. */
  readonly bufferedBytes: number;
}

interface End<Out, In> extends Channel<Out, In> {
  push(message: In): void;
  closed(): void;
}

/**
 * Two ends in one process. Messages are handed over as they are (no copies: the receiver must not change them), in
 * order, in the microtask after the send. Close reaches both ends; what was not delivered by then is dropped.
 */
export function memoryChannelPair<A, B>(): [Channel<A, B>, Channel<B, A>] {
  const left: End<A, B> = memoryEnd<A, B>(() => right);
  const right: End<B, A> = memoryEnd<B, A>(() => left);
  return [left, right];
}

function memoryEnd<Out, In>(other: () => End<In, Out>): End<Out, In> {
  let open = true;
  let inbox: In[] = [];
  let scheduled = false;
  let messageListener: ((message: In) => void) | null = null;
  const closeListeners: (() => void)[] = [];

  const deliver = (): void => {
    scheduled = false;
    while (open && messageListener !== null && inbox.length > 0) {
      const batch = inbox;
      inbox = [];
      for (const [index, message] of batch.entries()) {
        if (!open) return;
        try {
          messageListener(message);
        } catch (error) {
          // A listener's bug is its own: the rest is still delivered, then the bug surfaces.
          inbox = [...batch.slice(index + 1), ...inbox];
          schedule();
          throw error;
        }
      }
    }
  };
  const schedule = (): void => {
    if (scheduled || messageListener === null) return;
    scheduled = true;
    queueMicrotask(deliver);
  };

  const end: End<Out, In> = {
    get bufferedBytes() {
      return 0;
    },
    send(message) {
      if (open) other().push(message);
    },
    push(message) {
      if (!open) return;
      inbox.push(message);
      schedule();
    },
    onMessage(listener) {
      messageListener = listener;
      if (inbox.length > 0) schedule();
    },
    onClose(listener) {
      if (open) closeListeners.push(listener);
      else queueMicrotask(listener);
    },
    close() {
      if (!open) return;
      end.closed();
      other().closed();
    },
    closed() {
      if (!open) return;
      open = false;
      inbox = [];
      for (const listener of closeListeners.splice(0)) queueMicrotask(listener);
    },
  };
  return end;
}
