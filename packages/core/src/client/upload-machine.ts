/**
 * One file on its way to its session's machine: piece by piece, each from where the server says the file is, so that it
 * goes on after any cut. Pure: bytes, requests and clocks are the caller's (see UploadEffect).
 */
import type { ErrorBody, ErrorKind, Result } from '@holdfast/protocol/error.ts';
import type { UploadState } from '@holdfast/protocol/upload.ts';
import { fullJitter } from './backoff.ts';
import type { Moment } from './outbox.ts';

export const uploadTimes = {
  /** Bytes of one request: a slow line carries so many well within a request's time. */
  piece: 256 * 1024,
  /** Refusals in a row that another attempt may cure but a lost connection does not explain. */
  attempts: 8,
  pause: { base: 500, cap: 30_000 },
} as const;

export type UploadProgress = {
  /** Bytes of the whole, and how many of them are known to be there. */
  readonly size: number;
  readonly offset: number;
} & (
  | { readonly status: 'sending' }
  /** Goes on by itself at clock milliseconds `until`, at the latest. error: why not at once. */
  | { readonly status: 'waiting'; readonly error: ErrorBody; readonly until: number }
  | { readonly status: 'complete'; readonly upload: UploadState }
  /** Only the person can do something about it. */
  | { readonly status: 'failed'; readonly error: ErrorBody }
);

export interface UploadMachine {
  readonly progress: UploadProgress;
  /** Names one request; what an earlier one comes to is not heard. */
  readonly sends: number;
  /** Since bytes last arrived. */
  readonly attempts: number;
  /** Of those, the ones that reached a server which could not take it. */
  readonly refusals: number;
}

export type UploadEvent =
  | { readonly type: 'start' }
  | { readonly type: 'answered'; readonly send: number; readonly result: Result<UploadState> }
  | { readonly type: 'tick' }
  /** The connection is back, or may be. */
  | { readonly type: 'wake' }
  /** After failed. */
  | { readonly type: 'retry' };

/** Put the bytes [offset, end), then say `answered` with the same `send`. */
export interface UploadEffect {
  readonly type: 'put';
  readonly send: number;
  readonly offset: number;
  readonly end: number;
}

export interface UploadStep {
  readonly machine: UploadMachine;
  readonly effects: readonly UploadEffect[];
}

export const newUpload = (size: number): UploadMachine => ({
  progress: { status: 'sending', size, offset: 0 },
  sends: 0,
  attempts: 0,
  refusals: 0,
});

/** When to say `tick`, in clock milliseconds; null: not before something else happens. */
export const nextUploadDue = ({ progress }: UploadMachine): number | null =>
  progress.status === 'waiting' ? progress.until : null;

/** The network or the machine is away: it may take as long as it takes. */
const away: ReadonlySet<ErrorKind> = new Set(['unavailable', 'timeout', 'runner_offline']);
/** What another attempt may cure, within reason. */
const passing: ReadonlySet<ErrorKind> = new Set(['rate_limited', 'internal']);

export function stepUpload(machine: UploadMachine, event: UploadEvent, moment: Moment): UploadStep {
  const { progress } = machine;
  switch (event.type) {
    case 'start':
      return machine.sends === 0 ? send(machine) : quiet(machine);
    case 'answered':
      if (progress.status !== 'sending' || machine.sends === 0 || event.send !== machine.sends) return quiet(machine);
      return event.result.ok ? arrived(machine, event.result.value) : refused(machine, event.result.error, moment);
    case 'tick':
      return progress.status === 'waiting' && moment.at >= progress.until ? send(machine) : quiet(machine);
    case 'wake':
      return progress.status === 'waiting' && away.has(progress.error.kind) ? send(machine) : quiet(machine);
    case 'retry':
      return progress.status === 'failed' ? send({ ...machine, attempts: 0, refusals: 0 }) : quiet(machine);
  }
}

const quiet = (machine: UploadMachine): UploadStep => ({ machine, effects: [] });

function send(machine: UploadMachine): UploadStep {
  const { size, offset } = machine.progress;
  const sends = machine.sends + 1;
  return {
    machine: { ...machine, progress: { status: 'sending', size, offset }, sends, attempts: machine.attempts + 1 },
    effects: [{ type: 'put', send: sends, offset, end: Math.min(size, offset + uploadTimes.piece) }],
  };
}

function arrived(machine: UploadMachine, upload: UploadState): UploadStep {
  const { size } = machine.progress;
  if (upload.complete) return quiet({ ...machine, progress: { status: 'complete', size, offset: size, upload } });
  const further = upload.offset > machine.progress.offset;
  return send({
    ...machine,
    progress: { status: 'sending', size, offset: upload.offset },
    ...(further ? { attempts: 0, refusals: 0 } : {}),
  });
}

function refused(machine: UploadMachine, error: ErrorBody, moment: Moment): UploadStep {
  const { size } = machine.progress;
  const resumeAt = placeToGoOn(error, size);
  const refusals = machine.refusals + (resumeAt !== null || passing.has(error.kind) ? 1 : 0);
  const counted: UploadMachine = { ...machine, refusals };
  const cured = resumeAt !== null || away.has(error.kind) || passing.has(error.kind);
  if (!cured || refusals >= uploadTimes.attempts) {
    return quiet({ ...counted, progress: { ...place(machine, resumeAt), status: 'failed', error } });
  }
  // It has less than was thought (its disk was full, it was cleared): the rest is sent again from there.
  if (resumeAt !== null) return send({ ...counted, progress: { status: 'sending', size, offset: resumeAt } });
  const pause = Math.max(fullJitter(machine.attempts, moment.random, uploadTimes.pause), error.retryAfterMs ?? 0);
  const until = moment.at + pause;
  return quiet({ ...counted, progress: { ...place(machine, null), status: 'waiting', error, until } });
}

const place = ({ progress }: UploadMachine, offset: number | null): { size: number; offset: number } => ({
  size: progress.size,
  offset: offset ?? progress.offset,
});

/** null: the server names none. */
function placeToGoOn({ kind, details }: ErrorBody, size: number): number | null {
  const offset = kind === 'conflict' ? details?.['offset'] : undefined;
  return typeof offset === 'number' && Number.isInteger(offset) && offset >= 0 && offset <= size ? offset : null;
}
