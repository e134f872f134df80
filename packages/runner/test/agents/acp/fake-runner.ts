/** What stands around a driver: keeps its notes in the holder and stores what it tells, as runner and server do. */
import { isDeepStrictEqual } from 'node:util';
import type { FactData, FactDraft, FactType } from '@holdfast/protocol/fact.ts';
import { factDraftSchema } from '@holdfast/protocol/fact.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import type { Holder } from '@holdfast/holder/process.ts';
import { pino } from 'pino';
import type { AgentMeta, DriverContext, DriverEvents } from '../../../src/agents/driver.ts';

export const noLog = pino({ level: 'silent' });

/** A call that is told again may be described better, by what the agent said of it since: that alone may differ. */
export function withoutLooks(fact: FactDraft): FactDraft {
  if (fact.type === 'tool.started') return { ...fact, data: { ...fact.data, tool: '', title: '', input: {} } };
  if (fact.type === 'approval.requested') return { ...fact, data: { ...fact.data, tool: '', title: '', input: {} } };
  return fact;
}

export class FakeRunner {
  meta: AgentMeta;
  /** Everything ever told, by position. */
  readonly told = new Map<number, readonly FactDraft[]>();
  /** The last position stored; null: nothing is stored until `store` is called. */
  stored = 0;
  /** Store at once what is told, and release it. */
  storing = true;
  exit: { exitCode: number | null; signal: string | null } | null = null;
  /** What a driver did that it must not. A driver gives up when it is thrown at it; a test looks here. */
  readonly faults: string[] = [];
  /** Text shown by block. */
  readonly shown = new Map<string, string>();
  /** Replaced with each new runner. */
  holder: Holder;
  readonly #processId: string;
  #generation = 0;

  constructor(holder: Holder, processId: string, meta: AgentMeta) {
    this.holder = holder;
    this.#processId = processId;
    this.meta = meta;
  }

  /** For one driver: an earlier one's events count as errors from now on. */
  context(): DriverContext {
    this.#generation += 1;
    const generation = this.#generation;
    let last = this.stored;
    const must = (holds: boolean, fault: string): void => {
      if (holds) return;
      this.faults.push(fault);
      throw new Error(fault);
    };
    const mine = (what: string): void => must(generation === this.#generation, `${what} from a driver that was left`);
    const events: DriverEvents = {
      facts: (position, facts) => {
        mine('facts');
        must(facts.length > 0, 'told nothing');
        must(position > last, `position ${position} is not beyond ${last}`);
        last = position;
        for (const fact of facts) must(factDraftSchema.safeParse(fact).success, `no fact: ${JSON.stringify(fact)}`);
        const before = this.told.get(position);
        must(
          before === undefined || isDeepStrictEqual(before.map(withoutLooks), facts.map(withoutLooks)),
          `other facts at ${position}: ${JSON.stringify(before)} → ${JSON.stringify(facts)}`,
        );
        if (before === undefined) this.told.set(position, facts);
        if (this.storing) this.store(position);
      },
      preview: (preview) => {
        mine('preview');
        const hole = preview.offset > (this.shown.get(preview.blockId) ?? '').length;
        must(!hole, `a preview with a hole: ${JSON.stringify(preview)}`);
        this.#show(preview);
      },
      updateMeta: async (change) => {
        mine('meta');
        this.meta = { ...this.meta, ...change };
        const kept = await this.holder.setMeta(this.#processId, { ...this.meta });
        must(kept.ok, `notes not kept: ${JSON.stringify(kept)}`);
      },
      ended: (position, exit) => {
        mine('ended');
        must(position > last, 'the end is not beyond');
        this.exit = exit;
      },
    };
    return { meta: this.meta, filesDirectory: '/uploads/s1', holder: this.holder, events, log: noLog };
  }

  store(position: number): void {
    this.stored = Math.max(this.stored, position);
    void this.holder.release(this.#processId, 'out', this.stored).catch(() => undefined);
  }

  /** The log: what was told, in order of position. */
  log(): FactDraft[] {
    return [...this.told.entries()].sort(([a], [b]) => a - b).flatMap(([, facts]) => facts);
  }

  all<T extends FactType>(type: T): FactData<T>[] {
    return this.log().flatMap((fact) => (fact.type === type ? [fact.data as FactData<T>] : []));
  }

  last<T extends FactType>(type: T): FactData<T> | undefined {
    return this.all(type).at(-1);
  }

  /** All finished text of a turn. */
  text(turnId: string): string {
    return this.all('message.assistant')
      .filter((block) => block.turnId === turnId && block.kind === 'text')
      .map((block) => block.text)
      .join('');
  }

  #show({ blockId, offset, text }: Preview): void {
    const before = this.shown.get(blockId) ?? '';
    this.shown.set(blockId, before.slice(0, offset) + text);
  }
}
