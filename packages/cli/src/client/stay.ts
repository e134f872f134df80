/** Stays with a session until Ctrl-C, its end, or a refusal; says when the connection is lost and when it is back. */
import type { ConnectionView } from '@holdfast/core/client/connection.ts';
import type { SessionSink } from '@holdfast/link/client-interface.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { CommandLine } from './command-line.ts';
import type { Outcome } from './outcome.ts';

/** tty: also its output, from a screen on; the sink has taken it when its call returns. */
export function stay(
  line: CommandLine,
  sessionId: string,
  sink: SessionSink,
  { after, tty }: { readonly after: number | null; readonly tty: boolean },
): Promise<Outcome> {
  return new Promise((resolve) => {
    const stops: (() => void)[] = [];
    const finish = (outcome: Outcome): void => {
      for (const stop of stops.splice(0)) stop();
      resolve(outcome);
    };
    const refused = (error: ErrorBody): void => {
      const { exitName, message } = line.failure(error);
      finish({ exit: exitName, words: message });
    };
    const over = (facts: readonly Fact[]): void => {
      if (facts.some(({ type }) => type === 'session.ended' || type === 'session.failed'))
        finish({ exit: 'done', words: '' });
    };
    const handle = line.client.openSession(
      sessionId,
      { after, ...(tty ? { tty: { from: null } } : {}) },
      {
        ...sink,
        facts: (facts) => {
          sink.facts(facts);
          over(facts);
        },
        reset: (tail) => {
          sink.reset(tail);
          if (tail.base.end !== 'none') finish({ exit: 'done', words: '' });
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
    stops.push(() => handle.close());
    const interrupt = (): void => finish({ exit: 'interrupted', words: '' });
    line.interrupted.addEventListener('abort', interrupt, { once: true });
    stops.push(() => line.interrupted.removeEventListener('abort', interrupt));
    line.client.connect();
    let lost = false;
    stops.push(
      line.client.connection.subscribe((view) => {
        if (view.status === 'failed') return refused(failedBody(view));
        if (view.status === 'backoff' && !lost) line.out.tell('The connection was lost. Trying again.');
        if (view.status === 'live' && lost) line.out.tell('Connected again.');
        lost = view.status === 'backoff' || (lost && view.status !== 'live');
      }),
    );
  });
}

/** A refused login is one, whatever the server called it. */
const failedBody = ({ error, remedy }: Extract<ConnectionView, { status: 'failed' }>): ErrorBody =>
  remedy === 'login' ? { ...error, kind: 'unauthenticated' } : error;
