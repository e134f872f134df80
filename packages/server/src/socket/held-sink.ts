/**
 * A subscriber's sink that passes nothing on until it is opened: what follows a subscription must not overtake the
 * answer that tells of it. After stop() it passes on nothing at all.
 */
import type { SubscriberSink } from '../application/application.ts';

export interface HeldSink {
  readonly sink: SubscriberSink;
  open(): void;
  stop(): void;
}

export function heldSink(target: SubscriberSink): HeldSink {
  /** null: open. Short-lived: the answer is on its way. */
  let held: (() => void)[] | null = [];
  let stopped = false;
  const opened = Promise.withResolvers<void>();
  const pass = (call: () => void): void => {
    if (stopped) return;
    if (held === null) call();
    else held.push(call);
  };
  return {
    sink: {
      facts: (facts) => pass(() => target.facts(facts)),
      synced: (seq) => pass(() => target.synced(seq)),
      preview: (preview) => pass(() => target.preview(preview)),
      tty: (offset, data) => pass(() => target.tty(offset, data)),
      screen: (screen) => pass(() => target.screen(screen)),
      presence: (presence) => pass(() => target.presence(presence)),
      closed: () => pass(() => target.closed()),
      congestion: () => {
        if (stopped) return null;
        return held === null ? target.congestion() : opened.promise;
      },
    },
    open: () => {
      const calls = held ?? [];
      held = null;
      opened.resolve();
      for (const call of calls) if (!stopped) call();
    },
    stop: () => {
      stopped = true;
      held = null;
      opened.resolve();
    },
  };
}
