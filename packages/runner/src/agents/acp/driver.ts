/** Any agent that speaks the Agent Client Protocol over its stdin and stdout. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { AgentInfo } from '@holdfast/protocol/rest.ts';
import type { HeldProcess, Holder } from '@holdfast/holder/process.ts';
import type { AgentDriver, AttachedAgent, DriverContext } from '../driver.ts';
import { AcpAgent, type AcpSettings } from './attached.ts';
import { endProcess, within } from './end-process.ts';
import type { AgentQuirks } from './permission.ts';

export interface AcpAgentOptions {
  /** Of GET /api/agents. */
  readonly provider: string;
  readonly name: string;
  readonly description: string;
  readonly command: {
    /** Absolute, or a name looked up on env.PATH. */
    readonly file: string;
    readonly args: readonly string[];
    /** The whole environment. */
    readonly env: Readonly<Record<string, string>>;
  };
  readonly quirks?: AgentQuirks;
  /** What to do when the command is not there, a line each. */
  readonly remedy?: readonly string[];
  /** Milliseconds; each has a default. */
  readonly patience?: Partial<Pick<AcpSettings, 'stopMs' | 'politeMs' | 'settingMs'>> & { readonly startMs?: number };
}

/** As the protocol's own library has it: 32 MiB. */
const lineLimit = 32 * 1024 * 1024;

export function createAcpDriver(options: AcpAgentOptions): AgentDriver {
  const { provider, name, description, command, patience = {} } = options;
  const { startMs = 60_000, stopMs = 10_000, politeMs = 2_000, settingMs = 10_000 } = patience;
  const settings: AcpSettings = { name, quirks: options.quirks ?? {}, lineLimit, stopMs, politeMs, settingMs };
  const remedy = options.remedy ?? [`Install ${name} so that the command “${command.file}” is found.`];

  return {
    provider,

    async info(): Promise<AgentInfo> {
      const available = await isExecutable(command.file, command.env['PATH'] ?? '');
      return { provider, name, description, available, remedy: available ? [] : [...remedy], models: [] };
    },

    async start(processId: string, context: DriverContext): Promise<Result<AttachedAgent>> {
      const { holder } = context;
      const { file, args, env } = command;
      // Notes of an earlier process are about another conversation with other positions.
      const { driver: _earlier, ...meta } = context.meta;
      const spec = { kind: 'pipe', file, args, cwd: meta.cwd, env } as const;
      const spawned = await holder.spawn(processId, spec, { ...meta });
      if (!spawned.ok) {
        const { kind, message } = spawned.error;
        if (kind === 'exists') return fail('conflict', `There is a process ${processId} already.`);
        return kind === 'spawn_failed'
          ? fail('agent_unavailable', `${name} could not be started: ${message}. ${remedy.join(' ')}`)
          : fail('unavailable', `The holder could not start ${name}: ${message}`);
      }
      const agent = new AcpAgent(spawned.value, 0, { ...context, meta }, settings);
      const inTime = await within(startMs, agent.ready);
      const ready = inTime ? await agent.ready : fail('agent_unavailable', `${name} did not answer in time.`);
      if (ready.ok) return ok(agent);
      agent.detach();
      const said = await discard(holder, spawned.value, politeMs);
      return said === '' ? ready : fail(ready.error.kind, `${ready.error.message} It said: ${said}`.slice(0, 2_000));
    },

    attach(process: HeldProcess, from: number, context: DriverContext): AttachedAgent {
      return new AcpAgent(process, from, context, settings);
    },
  };
}

/** Ends a process that is of no use and removes it. Answers the last of what it wrote to its stderr. */
async function discard(holder: Holder, process: HeldProcess, politeMs: number): Promise<string> {
  const exited = Promise.withResolvers<void>();
  const unlisten = holder.onExit((gone) => {
    if (gone.id === process.id) exited.resolve();
  });
  try {
    const list = await holder.list();
    const now = list.ok ? list.value.find(({ id }) => id === process.id) : undefined;
    if (now === undefined || now.exit !== null) exited.resolve();
    await endProcess(holder, process.id, exited.promise, { politeMs });
  } finally {
    unlisten();
  }
  const said = await lastWords(holder, process.id, politeMs);
  await holder.forget(process.id);
  return said;
}

async function lastWords(holder: Holder, processId: string, milliseconds: number): Promise<string> {
  let text = '';
  const all = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  const reading = holder.read(processId, 'err', 0, {
    data(_offset, bytes) {
      text = (text + decoder.decode(bytes, { stream: true })).slice(-1_000);
    },
    gap: () => undefined,
    end: () => all.resolve(),
  });
  await within(milliseconds, all.promise);
  reading.close();
  return text.trim();
}

async function isExecutable(file: string, path: string): Promise<boolean> {
  const places = isAbsolute(file) ? [file] : path.split(delimiter).map((folder) => join(folder, file));
  for (const place of places) {
    try {
      await access(place, constants.X_OK);
      return true;
    } catch {
      // Not here.
    }
  }
  return false;
}
