/** What the connection panel shows, as a file for whoever helps: numbers, ids and kinds, no text of anybody. */
import type { ConnectionView } from '@holdfast/core/client/connection.ts';
import type { OutboxEntry } from '@holdfast/core/client/outbox.ts';
import type {
  ConnectionHistory,
  ConnectionPath,
  LatencyStats,
  Notice,
  OpenSession,
} from '@holdfast/link/client-interface.ts';

export interface ConnectionFacts {
  readonly connection: ConnectionView;
  readonly path: ConnectionPath | null;
  readonly history: ConnectionHistory;
  readonly latency: LatencyStats;
  readonly sessions: readonly OpenSession[];
  readonly outbox: readonly OutboxEntry[];
  readonly notices: readonly Notice[];
}

export interface Surroundings {
  /** ISO 8601 UTC. */
  readonly madeAt: string;
  readonly browser: string;
  /** What the browser thinks of its network. */
  readonly online: boolean;
}

/** JSON, indented. */
export function connectionReport(facts: ConnectionFacts, surroundings: Surroundings): string {
  const { connection, path, history, latency, sessions, outbox, notices } = facts;
  const report = {
    ...surroundings,
    connection: {
      status: connection.status,
      ...('attempt' in connection && { attempt: connection.attempt }),
      ...('error' in connection && { error: connection.error.kind }),
      transport: path?.transport ?? null,
      since: path?.since ?? null,
    },
    history: {
      opened: history.opened,
      lost: history.lost,
      last: history.last && { at: history.last.at, error: history.last.error.kind },
    },
    latency,
    sessions,
    outbox: outbox.map(({ id, sessionId, command, createdAt, attempts, state }) => ({
      id,
      sessionId,
      type: command.type,
      createdAt,
      attempts,
      state: state.status,
      ...('error' in state && { error: state.error.kind }),
    })),
    notices: notices.map(({ kind }) => kind),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
