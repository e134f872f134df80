/**
 * Reports on their way to the server: kept until it has stored them, sent again on every new link, in order per
 * session. What is kept can be had again from the holder, so it need not survive this process.
 */
import type { Instruction, Report } from '@holdfast/protocol/runner.ts';

interface Entry {
  readonly report: Report;
  readonly bytes: number;
  readonly whenStored: (() => void)[];
}

export interface Reports {
  /** Sends now if there is a link. */
  add(report: Report, whenStored?: () => void): void;
  /** Calls back when the report at this place is stored; false: there is none waiting. */
  whenStored(sessionId: string, source: string, position: number, callback: () => void): boolean;
  /** Calls back when nothing of this source waits any more; false: nothing does. */
  whenAllStored(sessionId: string, source: string, callback: () => void): boolean;
  /** The server has stored all of this source up to `position`. */
  stored(sessionId: string, source: string, position: number): void;
  /** Forgets, without calling back, what waits of this source: it will be had again. */
  drop(sessionId: string, source: string): void;
  /** Forgets all of a session, without calling back. */
  forget(sessionId: string): void;
  /** Bytes (as JSON) waiting of one session. */
  waiting(sessionId: string): number;
  /** A new link, or none. With a new one everything waiting is sent. */
  sendTo(send: ((report: Report) => void) | null): void;
}

export function createReports(): Reports {
  const sessions = new Map<string, Entry[]>();
  let send: ((report: Report) => void) | null = null;

  const keep = (sessionId: string, entries: Entry[]): void => {
    if (entries.length > 0) sessions.set(sessionId, entries);
    else sessions.delete(sessionId);
  };

  return {
    add: (report, whenStored) => {
      const entries = sessions.get(report.sessionId) ?? [];
      entries.push({
        report,
        bytes: JSON.stringify(report).length,
        whenStored: whenStored === undefined ? [] : [whenStored],
      });
      sessions.set(report.sessionId, entries);
      send?.(report);
    },
    whenStored: (sessionId, source, position, callback) => {
      const entry = sessions
        .get(sessionId)
        ?.find(({ report }) => report.source === source && report.position === position);
      entry?.whenStored.push(callback);
      return entry !== undefined;
    },
    whenAllStored: (sessionId, source, callback) => {
      const entry = sessions.get(sessionId)?.findLast(({ report }) => report.source === source);
      entry?.whenStored.push(callback);
      return entry !== undefined;
    },
    stored: (sessionId, source, position) => {
      const entries = sessions.get(sessionId) ?? [];
      const isStored = ({ report }: Entry): boolean => report.source === source && report.position <= position;
      keep(
        sessionId,
        entries.filter((entry) => !isStored(entry)),
      );
      for (const entry of entries.filter(isStored)) for (const callback of entry.whenStored) callback();
    },
    drop: (sessionId, source) => {
      keep(
        sessionId,
        (sessions.get(sessionId) ?? []).filter(({ report }) => report.source !== source),
      );
    },
    forget: (sessionId) => {
      sessions.delete(sessionId);
    },
    waiting: (sessionId) => (sessions.get(sessionId) ?? []).reduce((sum, entry) => sum + entry.bytes, 0),
    sendTo: (next) => {
      send = next;
      if (next === null) return;
      for (const entries of sessions.values()) for (const { report } of entries) next(report);
    },
  };
}

/** The source of facts that follow from an instruction; positions are delivery ids. */
export const deliveriesSource = 'deliveries';
/** The same for those that begin turns: one that has to wait tells later than what came after it, but in order with these. */
export const startsSource = 'starts';
export const sourceOf = ({ type }: Pick<Instruction, 'type'>): string =>
  type === 'turn.start' ? startsSource : deliveriesSource;
/** The source of facts read from a process's output; positions are byte offsets. */
export const outputSource = (processId: string): string => `out:${processId}`;
