/** Stays with a session until Ctrl-C, its end, or a refusal; a lost connection is tried again, and told. */
import type { ConnectionView } from '@holdfast/core/client/connection.ts';
import type { SessionHandle, SessionSink } from '@holdfast/link/client-interface.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { CommandLine } from './command-line.ts';
import type { Outcome } from './outcome.ts';

export interface StayOptions {
  readonly after: number | null;
  /** Also its output, from a screen on; the sink has taken it when its call returns. */
  readonly tty: boolean;
  /** The connection is lost, and not because the server moves. Called once until it is back. */
  readonly lost: () => void;
  readonly back: () => void;
}

export interface Stay {
  readonly handle: SessionHandle;
  readonly done: Promise<Outcome>;
  /** Ends it. */
  leave(outcome: Outcome): void;
}

export function stay(line: CommandLine, sessionId: string, sink: SessionSink, options: StayOptions): Stay {
  const { after, tty, lost, back } = options;
  const stops: (() => void)[] = [];
  let over = false;
  let resolve: (outcome: Outcome) => void = () => undefined;
  const done = new Promise<Outcome>((settle) => (resolve = settle));
  const leave = (outcome: Outcome): void => {
    over = true;
    for (const stop of stops.splice(0)) stop();
    resolve(outcome);
  };
  const refused = (error: ErrorBody): void => {
    const { exitName, message } = line.failure(error);
    leave({ exit: exitName, words: message });
  };
  const handle = line.client.openSession(
    sessionId,
    { after, ...(tty ? { tty: { from: null } } : {}) },
    {
      ...sink,
      facts: (facts) => {
        sink.facts(facts);
        const ended = facts.some(({ type }) => type === 'session.ended' || type === 'session.failed');
        if (ended) leave({ exit: 'done', words: '' });
      },
      reset: (tail) => {
        sink.reset(tail);
        if (tail.base.end !== 'none') leave({ exit: 'done', words: '' });
      },
      screen: (screen) => {
        sink.screen?.(screen);
        handle.parsed(screen.offset);
      },
      tty: (offset, data) => {
        sink.tty?.(offset, data);
        handle.parsed(offset + data.byteLength);
      },
      refused,
    },
  );
  const interrupt = (): void => leave({ exit: 'interrupted', words: '' });
  line.interrupted.addEventListener('abort', interrupt, { once: true });
  line.client.connect();
  let away = false;
  const watch = line.client.connection.subscribe((view) => {
    if (over) return;
    if (view.status === 'failed') return refused(failedBody(view));
    if (view.status === 'backoff' && !away) {
      away = true;
      lost();
    } else if (view.status === 'live' && away) {
      away = false;
      back();
    }
  });
  stops.push(
    watch,
    () => handle.close(),
    () => line.interrupted.removeEventListener('abort', interrupt),
  );
  // What ended it at once was told before there was anything to stop.
  if (over) for (const stop of stops.splice(0)) stop();
  return { handle, done, leave };
}

/** A refused login is one, whatever the server called it. */
const failedBody = ({ error, remedy }: Extract<ConnectionView, { status: 'failed' }>): ErrorBody =>
  remedy === 'login' ? { ...error, kind: 'unauthenticated' } : error;
