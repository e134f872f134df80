/** One machine's share of the work: its sessions, and what they leave on its disk. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import type { Api } from '../../support/api.ts';
import type { Device } from './device.ts';
import { NumberedLines, printNumberedLines } from './numbered-lines.ts';
import { Typist } from './typist.ts';

const effectsFile = 'effects.log';
const shellLimitMs = 30_000;

/** Leaves its token behind, once per time it is run. */
export const effectOf = (token: string): string => `echo ${token} >> ${effectsFile}`;

/** One shell that prints numbered lines and one that keeps what is typed: both live and die with their holder. */
interface Shells {
  readonly printing: string;
  readonly lines: NumberedLines;
  readonly typist: Typist;
}

export class Place {
  readonly name: string;
  readonly claudeId: string;
  readonly demoId: string;
  /** Only asked whether everything works again. */
  readonly probeId: string;
  readonly #api: Api;
  readonly #workspaceId: string;
  readonly #directory: string;
  readonly #shells: Shells[] = [];

  private constructor(
    name: string,
    api: Api,
    workspace: { readonly id: string; readonly directory: string },
    agents: { readonly claudeId: string; readonly demoId: string; readonly probeId: string },
  ) {
    this.name = name;
    this.#api = api;
    this.#workspaceId = workspace.id;
    this.#directory = workspace.directory;
    this.claudeId = agents.claudeId;
    this.demoId = agents.demoId;
    this.probeId = agents.probeId;
  }

  /** workspaces: a root on that machine. runnerId: of another machine than the server's. */
  static async open(name: string, api: Api, workspaces: string, runnerId?: string): Promise<Place> {
    const id = await api.workspace('w', runnerId);
    const agent = (provider: string): Promise<string> =>
      api.create({ kind: 'agent', workspaceId: id, agent: { provider, mode: 'agent' } });
    const agents = { claudeId: await agent('claude'), demoId: await agent('demo'), probeId: await agent('demo') };
    return new Place(name, api, { id, directory: join(workspaces, 'w') }, agents);
  }

  get agentIds(): readonly string[] {
    return [this.claudeId, this.demoId, this.probeId];
  }

  get terminalIds(): readonly string[] {
    return this.#shells.flatMap(({ printing, typist }) => [printing, typist.sessionId]);
  }

  /** Of all shells there were. */
  get lines(): readonly NumberedLines[] {
    return this.#shells.map(({ lines }) => lines);
  }

  get typists(): readonly Typist[] {
    return this.#shells.map(({ typist }) => typist);
  }

  /** The ones that live. */
  get shells(): Shells {
    const shells = this.#shells.at(-1);
    if (shells === undefined) throw new Error('no shells yet');
    return shells;
  }

  /** The first device reads what is printed, the other one types. */
  async openShells([reader, typing]: readonly [Device, Device]): Promise<void> {
    const terminal = (): Promise<string> => this.#api.create({ kind: 'terminal', workspaceId: this.#workspaceId });
    const [printing, typed] = [await terminal(), await terminal()];
    const lines = new NumberedLines();
    reader.follow(printing, undefined, lines);
    typing.follow(printing);
    reader.follow(typed);
    typing.follow(typed);
    const file = `typed-${this.#shells.length}`;
    const typist = new Typist(typing.client.input(typed), typed, join(this.#directory, file));
    reader.command(printing, { type: 'terminal.write', data: `${printNumberedLines}\r` });
    reader.command(typed, { type: 'terminal.write', data: `cat > ${file}\r` });
    await eventually('the first lines', () => lines.last > 5, shellLimitMs);
    // Before, the prompt would have the first keys.
    await eventually('the reader of what is typed', () => typist.begun, shellLimitMs);
    this.#shells.push({ printing, lines, typist });
  }

  /** What allowed commands wrote, one token each. */
  effects(): readonly string[] {
    try {
      return readFileSync(join(this.#directory, effectsFile), 'utf8').split('\n').filter(Boolean);
    } catch {
      return [];
    }
  }
}
