/**
 * The server's settings. Read once at start from the environment and from `<data directory>/holdfast.env`, where the
 * same names stand as KEY=value; the environment wins. Every fault is told at once.
 */
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { UserLimits } from '@holdfast/core/limits/user-limits.ts';
import { fail, ok, type Result } from '@holdfast/protocol/error.ts';
import { z } from 'zod';
import { closestName } from './closest-name.ts';
import { parseEnvFile } from './env-file.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Configuration {
  /** Absolute. Made 0700 by whoever composes the program. */
  readonly dataDirectory: string;
  /** Where the holder listens: `<data directory>/holder.sock`. */
  readonly holderSocket: string;
  /** Name or address to listen on; IPv6 without brackets. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Absolute, at least one; the first is where relative workspace paths begin. */
  readonly workspaceRoots: readonly string[];
  /** Origin under which browsers reach the server through a proxy, e.g. https://terminal.example.org. */
  readonly publicUrl: string | null;
  readonly logLevel: LogLevel;
  /** Of each person. */
  readonly limits: UserLimits;
  /** Minutes without a turn after which an agent's process is stopped; 0: never. */
  readonly agentIdleMinutes: number;
  /** 0: everything is kept for ever. */
  readonly retentionDays: number;
  /** Of one uploaded file; what may be staged in all follows from it. 0: no limit. */
  readonly maxUploadBytes: number;
  /** Days after its last use until an uploaded file goes; 0: never. */
  readonly uploadDays: number;
}

export interface ConfigurationFault {
  /** The setting's name, or "holdfast.env line 3". */
  readonly setting: string;
  readonly message: string;
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** A Unix socket's path may be 104 bytes on macOS and 108 on Linux, its end mark included. */
const socketPathBytes = 100;
const fileName = 'holdfast.env';
const prefix = 'HOLDFAST_';
/**
 * No settings: what processes inside a session find in their environment, a server started there included, and what
 * runner and the command line take from the environment alone.
 */
const inherited = new Set([
  'HOLDFAST_HELD',
  'HOLDFAST_DEMO_STATE',
  'HOLDFAST_RUNNER_KEY',
  'HOLDFAST_SERVER',
  'HOLDFAST_KEY',
]);

/**
 * Where everything is kept: HOLDFAST_DATA_DIR, else holdfast in the user's data home. Needs no other setting, so the
 * file in it can be read before the rest. A relative value is returned as it is; readConfiguration refuses it.
 */
export function dataDirectory(env: Environment): string {
  const given = nonEmpty(env['HOLDFAST_DATA_DIR']);
  if (given !== undefined) return expandHome(given, env);
  const dataHome = nonEmpty(env['XDG_DATA_HOME']);
  // The XDG specification: a relative data home is to be ignored.
  return dataHome !== undefined && isAbsolute(dataHome)
    ? join(dataHome, 'holdfast')
    : join(home(env), '.local', 'share', 'holdfast');
}

export function configurationFile(env: Environment): string {
  return join(dataDirectory(env), fileName);
}

/**
 * fileText: the text of configurationFile(env), if there is one.
 * Errors: bad_request; the message has one fault a line, details.faults is ConfigurationFault[].
 */
export function readConfiguration(env: Environment, fileText?: string): Result<Configuration> {
  const faults: ConfigurationFault[] = [];
  const file = parseEnvFile(fileText ?? '');
  for (const { line, message } of file.faults) faults.push({ setting: `${fileName} line ${line}`, message });
  if (file.values.has('HOLDFAST_DATA_DIR')) {
    faults.push({ setting: 'HOLDFAST_DATA_DIR', message: `cannot stand in ${fileName}, which lies in that directory` });
  }

  const values: Record<string, string> = {};
  const take = (name: string, value: string): void => {
    if (!Object.hasOwn(settingSchemas, name)) {
      const close = closestName(withoutPrefix(name), settingNames.map(withoutPrefix));
      const hint = close === null ? '' : `; did you mean ${prefix}${close}?`;
      faults.push({ setting: name, message: `is no setting${hint}` });
    } else if (value !== '') {
      values[name] = value;
    }
  };
  for (const [name, value] of file.values) {
    const overridden = Object.hasOwn(env, name) && env[name] !== undefined;
    if (name !== 'HOLDFAST_DATA_DIR' && !overridden) take(name, value);
  }
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith(prefix) && value !== undefined && !inherited.has(name)) take(name, value);
  }

  const parsed = settingsSchema(env).safeParse(values);
  for (const issue of parsed.error?.issues ?? []) {
    faults.push({ setting: String(issue.path[0]), message: issue.message });
  }
  const directory = resolve(dataDirectory(env));
  const holderSocket = join(directory, 'holder.sock');
  const bytes = Buffer.byteLength(holderSocket);
  if (bytes > socketPathBytes) {
    faults.push({
      setting: 'HOLDFAST_DATA_DIR',
      message: `is too long: ${holderSocket} has ${bytes} bytes, a socket's path at most ${socketPathBytes}`,
    });
  }
  if (faults.length > 0 || !parsed.success) {
    const lines = faults.map((fault) => `${fault.setting}: ${fault.message}`);
    return fail('bad_request', lines.join('\n'), { details: { faults } });
  }
  const settings = parsed.data;
  return ok({
    dataDirectory: directory,
    holderSocket,
    host: settings.HOLDFAST_HOST,
    port: settings.HOLDFAST_PORT,
    workspaceRoots: settings.HOLDFAST_WORKSPACES_ROOT,
    publicUrl: settings.HOLDFAST_PUBLIC_URL,
    logLevel: settings.HOLDFAST_LOG_LEVEL,
    limits: {
      openSessions: settings.HOLDFAST_MAX_SESSIONS,
      runningAgents: settings.HOLDFAST_MAX_RUNNING_AGENTS,
      connections: settings.HOLDFAST_MAX_CONNECTIONS,
      startsPerMinute: settings.HOLDFAST_STARTS_PER_MINUTE,
      messagesPerMinute: settings.HOLDFAST_MESSAGES_PER_MINUTE,
      sessionMessagesPerMinute: Math.ceil(settings.HOLDFAST_MESSAGES_PER_MINUTE / 2),
      inputBytesPerSecond: settings.HOLDFAST_INPUT_BYTES_PER_SECOND,
    },
    agentIdleMinutes: settings.HOLDFAST_AGENT_IDLE_MINUTES,
    retentionDays: settings.HOLDFAST_RETENTION_DAYS,
    maxUploadBytes: settings.HOLDFAST_MAX_UPLOAD_BYTES,
    uploadDays: settings.HOLDFAST_UPLOAD_DAYS,
  });
}

const pathIssue = 'must be an absolute path (or begin with ~/)';
const hostSchema = z.union([
  z.ipv4(),
  z.ipv6(),
  z.string().regex(/^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/),
]);

/** 0 switches off what it limits. */
const countSetting = (most: number, fallback: number) =>
  z
    .string()
    .refine((text) => /^\d{1,10}$/.test(text) && Number(text) <= most, `must be a number from 0 (off) to ${most}`)
    .transform(Number)
    .default(fallback);

const settingSchemas = {
  HOLDFAST_DATA_DIR: z.string(),
  HOLDFAST_HOST: z
    .string()
    .transform((text) => text.replace(/^\[(.*)\]$/, '$1'))
    .refine((host) => hostSchema.safeParse(host).success, 'must be a host name or an IP address')
    .default('127.0.0.1'),
  HOLDFAST_PORT: z
    .string()
    .refine((text) => /^\d{1,5}$/.test(text) && Number(text) <= 65_535, 'must be a number from 0 to 65535')
    .transform(Number)
    .default(3030),
  HOLDFAST_WORKSPACES_ROOT: z.string(),
  HOLDFAST_PUBLIC_URL: z
    .string()
    .transform((text, context) => {
      const origin = publicOrigin(text);
      if (origin !== null) return origin;
      context.addIssue('must be http:// or https://, a host and perhaps a port, and nothing else');
      return z.NEVER;
    })
    .nullable()
    .default(null),
  HOLDFAST_LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
  HOLDFAST_MAX_SESSIONS: countSetting(1_000_000, 100),
  HOLDFAST_MAX_RUNNING_AGENTS: countSetting(1_000_000, 20),
  HOLDFAST_MAX_CONNECTIONS: countSetting(1_000_000, 100),
  HOLDFAST_STARTS_PER_MINUTE: countSetting(1_000_000, 60),
  HOLDFAST_MESSAGES_PER_MINUTE: countSetting(1_000_000, 600),
  HOLDFAST_INPUT_BYTES_PER_SECOND: countSetting(1024 ** 3, 1024 ** 2),
  HOLDFAST_AGENT_IDLE_MINUTES: countSetting(525_600, 30),
  HOLDFAST_RETENTION_DAYS: countSetting(36_500, 30),
  HOLDFAST_MAX_UPLOAD_BYTES: countSetting(1024 ** 3, 25 * 1024 ** 2),
  HOLDFAST_UPLOAD_DAYS: countSetting(36_500, 7),
};
const settingNames = Object.keys(settingSchemas);
const withoutPrefix = (name: string): string => name.replace(prefix, '');

function settingsSchema(env: Environment) {
  const absolute = (path: string): boolean => isAbsolute(expandHome(path, env));
  return z.object({
    ...settingSchemas,
    HOLDFAST_DATA_DIR: z.string().refine(absolute, pathIssue).optional(),
    HOLDFAST_WORKSPACES_ROOT: z
      .string()
      .default('~/workspaces')
      .transform((text) => text.split(':').filter((part) => part !== ''))
      .refine((paths) => paths.length > 0, 'must name at least one directory')
      .refine((paths) => paths.every(absolute), `${pathIssue}, several are separated by ":"`)
      .transform((paths) => paths.map((path) => resolve(expandHome(path, env)))),
  });
}

function publicOrigin(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const bare =
    url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '' && url.password === '';
  return bare && (url.protocol === 'http:' || url.protocol === 'https:') ? url.origin : null;
}

function home(env: Environment): string {
  return nonEmpty(env['HOME']) ?? homedir();
}

function expandHome(path: string, env: Environment): string {
  return path === '~' || path.startsWith('~/') ? join(home(env), path.slice(1)) : path;
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
