/** The HTTP API with a key, for what a test arranges and checks beside the page. */
import type { Fact, FactData, FactType } from '@holdfast/protocol/fact.ts';
import type { EventPage } from '@holdfast/protocol/rest.ts';
import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import type { Installation } from './program.ts';

export class Api {
  readonly #origin: string;
  /** As it was printed, for clients of other kinds. */
  readonly key: string;

  private constructor(origin: string, key: string) {
    this.#origin = origin;
    this.key = key;
  }

  static async open(holdfast: Installation): Promise<Api> {
    const key = await holdfast.run('key', 'create', '--label', 'test');
    if (key.code !== 0) throw new Error(key.stderr);
    return new Api(holdfast.origin, key.stdout.trim());
  }

  /** runnerId: of another machine than the server's. */
  async workspace(path: string, runnerId?: string): Promise<string> {
    return ((await this.#call('POST', '/api/workspaces', { path, runnerId })) as { id: string }).id;
  }

  async runners(): Promise<{ id: string; name: string; online: boolean; roots: string[] }[]> {
    return ((await this.#call('GET', '/api/runners')) as { runners: Awaited<ReturnType<Api['runners']>> }).runners;
  }

  async create(body: Record<string, unknown>): Promise<string> {
    return ((await this.#call('POST', '/api/sessions', body)) as { id: string }).id;
  }

  async session(id: string): Promise<SessionDescriptor> {
    return (await this.#call('GET', `/api/sessions/${id}`)) as SessionDescriptor;
  }

  /** The whole log. */
  async log(id: string): Promise<Fact[]> {
    const log: Fact[] = [];
    for (;;) {
      const after = log.at(-1)?.seq ?? 0;
      const page = (await this.#call('GET', `/api/sessions/${id}/events?after=${after}&limit=500`)) as EventPage;
      log.push(...page.events);
      if (page.events.length === 0 || (log.at(-1)?.seq ?? 0) >= page.lastSeq) return log;
    }
  }

  /** Waits for a fact of the log that fits. */
  async fact<T extends FactType>(
    id: string,
    type: T,
    fits: (data: FactData<T>) => boolean = () => true,
  ): Promise<FactData<T>> {
    return eventually<FactData<T> | null>(
      `${type} in ${id}`,
      async () => {
        for (const fact of await this.log(id)) {
          if (isOf(fact, type) && fits(fact.data)) return fact.data;
        }
        return null;
      },
      30_000,
    );
  }

  async command(id: string, command: Record<string, unknown>): Promise<void> {
    await this.#call('POST', `/api/sessions/${id}/commands`, command);
  }

  async answer(approvalId: string, answer: Record<string, unknown>): Promise<void> {
    await this.#call('POST', `/api/approvals/${approvalId}/answer`, {
      id: `answer-${approvalId}`.slice(0, 64),
      ...answer,
    });
  }

  async remove(id: string): Promise<void> {
    await this.#call('DELETE', `/api/sessions/${id}`);
  }

  async screen(id: string): Promise<string> {
    const answer = await fetch(`${this.#origin}/api/sessions/${id}/screen?format=text`, { headers: this.#headers() });
    return answer.text();
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.#origin}${path}`, {
      method,
      headers: { ...this.#headers(), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.key}` };
  }
}

function isOf<T extends FactType>(fact: Fact, type: T): fact is Fact & { type: T; data: FactData<T> } {
  return fact.type === type;
}
