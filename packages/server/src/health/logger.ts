/**
 * The log: one JSON object a line. What opens a door or what people wrote never gets in (OPS4): fields with such names
 * are replaced wherever they stand, and each finished line is searched for anything that looks like a key or a token.
 */
import { type DestinationStream, type Logger, pino } from 'pino';
import type { LogLevel } from '../config/configuration.ts';

const hidden = '[hidden]';
const deepest = 6;
const secretField = /(?:authorization|cookie|credentials|key|password|secret|token)s?$/i;
/** What people and agents wrote, and what terminals showed. */
const writtenFields = new Set(
  'text prompt data input output answer answers updatedInput patch ansi keystrokes content body'.split(' '),
);
const secretTexts: readonly (readonly [RegExp, string])[] = [
  [/\bhf_[A-Za-z0-9_-]{8,}/g, hidden],
  [/\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]{4,}/gi, `$1 ${hidden}`],
  [/([?&#](?:token|key|code)=)[^&\s"'\\]+/gi, `$1${hidden}`],
  [/(\bholdfast-[0-9a-f]{8}\.session_token=)[^;\s"\\]+/g, `$1${hidden}`],
  [/\bsk-[A-Za-z0-9_-]{16,}/g, hidden],
];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

export function createLogger({ level, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => redact(fields, deepest) as Record<string, unknown>,
      },
      serializers: { err: plainError, error: plainError },
      hooks: { streamWrite: hideSecretTexts },
    },
    destination ?? pino.destination({ dest: 1, sync: false }),
  );
}

function hideSecretTexts(line: string): string {
  return secretTexts.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
}

function redact(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth === 0) return '[deeper]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth - 1));
  const entries = Object.entries(value).map(([name, item]) => [
    name,
    isHidden(name) && item !== undefined ? hidden : redact(item, depth - 1),
  ]);
  return Object.fromEntries(entries);
}

function isHidden(name: string): boolean {
  return secretField.test(name) || writtenFields.has(name);
}

/** Only what says where and why: other properties of an error may be anything. */
function plainError(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : redact(error, deepest);
  const { code } = error as NodeJS.ErrnoException;
  const cause = error.cause === undefined ? undefined : plainError(error.cause);
  return { type: error.name, code, message: error.message, stack: error.stack, cause };
}
