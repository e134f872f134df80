import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ErrorKind } from '@holdfast/protocol/error.ts';
import type { AgentInfo, CreateSession } from '@holdfast/protocol/rest.ts';
import { Failure } from '../../failure.ts';
import type { ClientCommand } from '../client-arguments.ts';
import type { CommandLine } from '../command-line.ts';
import { plainLine } from '../output.ts';

type New = Extract<ClientCommand, { command: 'new' }>;

/** Answers that leave it open whether there is a session now: asked again under the same key, there is one. */
const openAnswers: ReadonlySet<ErrorKind> = new Set(['timeout', 'unavailable', 'internal']);
const pausesMs = [500, 2_000];

/** Prints the id, and nothing else, on standard output. here: the folder in which the person is. */
export async function newSession(line: CommandLine, { agent, cwd, title, prompt }: New, here: string): Promise<void> {
  if (cwd === null && !line.access.local) {
    throw new Failure('usage', 'Say where on that machine: --cwd DIR (absolute, or below its first workspace folder).');
  }
  const kind = await kindOf(line, agent, prompt);
  const path = line.access.local ? resolve(here, cwd ?? '.') : (cwd ?? '');
  const workspace = line.need(await line.rest.createWorkspace({ path }));
  const body: CreateSession = { workspaceId: workspace.id, ...kind, ...(title === null ? {} : { title }) };
  const idempotencyKey = randomUUID();
  let created = await line.rest.createSession(body, idempotencyKey);
  for (const pause of pausesMs) {
    if (created.ok || !openAnswers.has(created.error.kind) || line.interrupted.aborted) break;
    await delay(pause);
    created = await line.rest.createSession(body, idempotencyKey);
  }
  const session = line.need(created);
  line.out.say(session.id);
  if (line.out.tty)
    line.out.tell(`${plainLine(session.title)} has begun. Look at it with: holdfast logs ${session.id.slice(0, 8)}`);
}

async function kindOf(
  line: CommandLine,
  agent: string | null,
  prompt: string | null,
): Promise<Pick<CreateSession, 'kind' | 'agent'>> {
  if (agent === 'shell' || (agent === null && prompt === null)) {
    if (prompt !== null) throw new Failure('usage', 'A shell takes no prompt; name an agent with --agent NAME.');
    return { kind: 'terminal' };
  }
  const provider = agent ?? firstOf(line.need(await line.rest.listAgents()));
  return { kind: 'agent', agent: { provider, ...(prompt === null ? {} : { prompt }) } };
}

/** The demo agent only where there is no other. */
function firstOf(agents: readonly AgentInfo[]): string {
  const available = agents.filter((one) => one.available);
  const first = available.find(({ provider }) => provider !== 'demo') ?? available[0];
  if (first !== undefined) return first.provider;
  const remedies = agents.flatMap(({ name, remedy }) => [`${name}:`, ...remedy.map((one) => `  ${one}`)]);
  throw new Failure('unavailable', ['No agent can be used on that machine.', ...remedies].join('\n'));
}
