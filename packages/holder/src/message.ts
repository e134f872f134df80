/**
 * The control messages of the holder's socket and the one place where a client's are parsed. The client trusts the
 * holder's: it is the same program, behind a socket only its owner can open.
 */
import { constants } from 'node:os';
import type { HeldProcess, HolderErrorKind, HolderResult, ProcessSpec, StreamName } from './process.ts';

export const heldSignals = ['SIGINT', 'SIGTERM', 'SIGKILL', 'SIGHUP'] as const;
export type HeldSignal = (typeof heldSignals)[number];

/** Bytes of one write: a prompt with its images is one. */
export const maximumWriteBytes = 6 * 1024 * 1024;
/** Of a holder that speaks an earlier version than 3. */
export const earlierMaximumWriteBytes = 1024 * 1024;
/** Bytes of a process's notes as JSON. */
export const maximumMetaBytes = 64 * 1024;

/** `call` numbers a request; its reply carries the same number. `reader` numbers a reading of this connection. */
export type Request =
  | { readonly type: 'list'; readonly call: number }
  | {
      readonly type: 'spawn';
      readonly call: number;
      readonly id: string;
      readonly spec: ProcessSpec;
      readonly meta: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'closeInput'; readonly call: number; readonly id: string }
  | {
      readonly type: 'resize';
      readonly call: number;
      readonly id: string;
      readonly cols: number;
      readonly rows: number;
    }
  | { readonly type: 'signal'; readonly call: number; readonly id: string; readonly signal: HeldSignal }
  | {
      readonly type: 'setMeta';
      readonly call: number;
      readonly id: string;
      readonly meta: Readonly<Record<string, unknown>>;
    }
  | {
      readonly type: 'release';
      readonly call: number;
      readonly id: string;
      readonly stream: StreamName;
      readonly offset: number;
    }
  | { readonly type: 'forget'; readonly call: number; readonly id: string }
  | { readonly type: 'shutdown'; readonly call: number }
  | {
      readonly type: 'read';
      readonly reader: number;
      readonly id: string;
      readonly stream: StreamName;
      readonly from: number;
    }
  | { readonly type: 'acknowledge'; readonly reader: number; readonly offset: number }
  | { readonly type: 'closeRead'; readonly reader: number };

export type ClientMessage = { readonly type: 'hello'; readonly versions: readonly number[] } | Request;

/** A process for a spawn, an offset for input, null for what only succeeds. */
export type Reply = HeldProcess | number | null;

export type HolderMessage =
  | { readonly type: 'hello'; readonly version: number; readonly pid: number; readonly orphans: readonly string[] }
  /** No common version; the connection closes. */
  | { readonly type: 'refused'; readonly message: string }
  | { readonly type: 'reply'; readonly call: number; readonly result: HolderResult<Reply> }
  /** One process of a list, whose reply follows the last. */
  | { readonly type: 'listed'; readonly call: number; readonly process: HeldProcess }
  | { readonly type: 'exit'; readonly process: HeldProcess }
  | { readonly type: 'gap'; readonly reader: number; readonly from: number; readonly to: number }
  | { readonly type: 'end'; readonly reader: number; readonly offset: number }
  /** There is no such process. */
  | { readonly type: 'unreadable'; readonly reader: number; readonly message: string };

/** bad: a request of known number that asks for nothing sensible. malformed: not one at all. */
export type Parsed =
  | { readonly kind: 'message'; readonly message: ClientMessage }
  | { readonly kind: 'bad'; readonly call: number; readonly message: string }
  | { readonly kind: 'malformed'; readonly message: string };

export function failure(
  kind: HolderErrorKind,
  message: string,
): { ok: false; error: { kind: HolderErrorKind; message: string } } {
  return { ok: false, error: { kind, message } };
}

/** Number 15 → SIGTERM. */
export function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`;
}

export function parseMessage(value: unknown): Parsed {
  if (!isObject(value) || typeof value['type'] !== 'string') return { kind: 'malformed', message: 'not a message' };
  try {
    return { kind: 'message', message: parse(value['type'], value) };
  } catch (error) {
    if (!(error instanceof Misfit)) throw error;
    const call = value['call'];
    if (isCount(call)) return { kind: 'bad', call, message: error.message };
    return { kind: 'malformed', message: error.message };
  }
}

/** Names of input streams are kept for as long as the process. */
export function isStreamName(value: string): boolean {
  return value.length > 0 && value.length <= 200;
}

/** Ids name directories and stand in environment markers. */
export function isProcessId(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/.test(value);
}

class Misfit extends Error {}

type Fields = Readonly<Record<string, unknown>>;

function parse(type: string, fields: Fields): ClientMessage {
  switch (type) {
    case 'hello': {
      const versions = fields['versions'];
      if (!Array.isArray(versions) || !versions.every(isCount)) throw new Misfit('versions');
      return { type, versions };
    }
    case 'list':
    case 'shutdown':
      return { type, call: count(fields, 'call') };
    case 'spawn':
      return { type, call: count(fields, 'call'), id: id(fields), spec: spec(fields['spec']), meta: meta(fields) };
    case 'closeInput':
    case 'forget':
      return { type, call: count(fields, 'call'), id: id(fields) };
    case 'resize':
      return {
        type,
        call: count(fields, 'call'),
        id: id(fields),
        cols: extent(fields, 'cols'),
        rows: extent(fields, 'rows'),
      };
    case 'signal': {
      const signal = heldSignals.find((known) => known === fields['signal']);
      if (signal === undefined) throw new Misfit('signal');
      return { type, call: count(fields, 'call'), id: id(fields), signal };
    }
    case 'setMeta':
      return { type, call: count(fields, 'call'), id: id(fields), meta: meta(fields) };
    case 'release':
      return {
        type,
        call: count(fields, 'call'),
        id: id(fields),
        stream: stream(fields),
        offset: count(fields, 'offset'),
      };
    case 'read':
      return {
        type,
        reader: count(fields, 'reader'),
        id: id(fields),
        stream: stream(fields),
        from: count(fields, 'from'),
      };
    case 'acknowledge':
      return { type, reader: count(fields, 'reader'), offset: count(fields, 'offset') };
    case 'closeRead':
      return { type, reader: count(fields, 'reader') };
    default:
      throw new Misfit(`unknown request ${type}`);
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function count(fields: Fields, name: string): number {
  const value = fields[name];
  if (!isCount(value)) throw new Misfit(name);
  return value;
}

/** Columns or rows: the kernel keeps them in 16 bits. */
function extent(fields: Fields, name: string): number {
  const value = count(fields, name);
  if (value < 1 || value > 0xffff) throw new Misfit(name);
  return value;
}

function id(fields: Fields): string {
  if (!isProcessId(fields['id'])) throw new Misfit('id');
  return fields['id'];
}

function stream(fields: Fields): StreamName {
  const value = fields['stream'];
  if (value !== 'out' && value !== 'err') throw new Misfit('stream');
  return value;
}

function meta(fields: Fields): Readonly<Record<string, unknown>> {
  const value = fields['meta'];
  if (!isObject(value)) throw new Misfit('meta');
  if (Buffer.byteLength(JSON.stringify(value)) > maximumMetaBytes) throw new Misfit('meta is beyond 64 KiB');
  return value;
}

/** A string the kernel takes: no NUL, which would cut it. */
function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value.includes('\0')) throw new Misfit(name);
  return value;
}

function spec(value: unknown): ProcessSpec {
  if (!isObject(value)) throw new Misfit('spec');
  const { args, env } = value;
  if (!Array.isArray(args)) throw new Misfit('spec.args');
  if (!isObject(env)) throw new Misfit('spec.env');
  const common = {
    file: text(value['file'], 'spec.file'),
    args: args.map((argument) => text(argument, 'spec.args')),
    cwd: text(value['cwd'], 'spec.cwd'),
    env: Object.fromEntries(Object.entries(env).map(([key, entry]) => [variable(key), text(entry, `spec.env.${key}`)])),
  };
  if (value['kind'] === 'pipe') return { kind: 'pipe', ...common };
  if (value['kind'] !== 'pty') throw new Misfit('spec.kind');
  return { kind: 'pty', ...common, cols: extent(value, 'cols'), rows: extent(value, 'rows') };
}

function variable(name: string): string {
  if (name === '' || /[=\0]/.test(name)) throw new Misfit('spec.env');
  return name;
}
