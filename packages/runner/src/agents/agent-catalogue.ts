/** The agents of this machine: looked for at the first question, and again only when somebody asks for that. */
import { createHash } from 'node:crypto';
import type { AgentInfo, AgentList } from '@holdfast/protocol/rest.ts';

export class AgentCatalogue {
  readonly #find: () => Promise<AgentInfo[]>;
  #found: Promise<AgentList> | null = null;
  #looking: Promise<AgentList> | null = null;

  /** find: looks at what is installed and logged in. */
  constructor(find: () => Promise<AgentInfo[]>) {
    this.#find = find;
  }

  /** refresh: as it is now; those who ask for that at the same time share one look. */
  read(refresh: boolean): Promise<AgentList> {
    if (!refresh && this.#found !== null) return this.#found;
    return (this.#looking ??= this.#look());
  }

  async #look(): Promise<AgentList> {
    try {
      const agents = await this.#find();
      const list = { agents, version: versionOf(agents) };
      this.#found = Promise.resolve(list);
      return list;
    } finally {
      this.#looking = null;
    }
  }
}

/** The same for the same list, whichever process made it. */
const versionOf = (agents: readonly AgentInfo[]): string =>
  createHash('sha256').update(JSON.stringify(agents)).digest('hex').slice(0, 16);
