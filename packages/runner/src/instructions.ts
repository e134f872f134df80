/**
 * Carries out instructions: those of one session one after the other in delivery order, each once, sessions
 * independent of each other; what ends something waits for nothing before it. `done` is told when the effect is in the holder and what was reported of it is stored.
 */
import type { Logger } from 'pino';
import type { Instruction } from '@holdfast/protocol/runner.ts';
import { sourceOf } from './reports.ts';
import type { Reports } from './reports.ts';

/** It has had no effect and waits; those behind it do not. */
export interface Postponed {
  /** Then it is carried out again, behind what has come by then. */
  readonly until: Promise<void>;
}

export interface InstructionsOptions {
  /** Has its effect, or a report why not, when it resolves. Must be repeatable. A throw leaves it undone. */
  carryOut(deliveryId: number, instruction: Instruction): Promise<Postponed | undefined | void>;
  /** It waits for none before it. */
  overtakes(instruction: Instruction): boolean;
  readonly reports: Reports;
  done(deliveryId: number): void;
  readonly log: Logger;
}

interface SessionQueue {
  /** Taken in and not done. */
  readonly taken: Set<number>;
  /** A bug kept them from being done. */
  readonly failed: Set<number>;
  /** The highest that is done. Lower ones are, too, unless taken or failed. */
  done: number;
  last: Promise<void>;
}

/** Sessions remembered after their last instruction; the handlers are repeatable beyond that. */
const rememberedSessions = 4_096;

export class Instructions {
  readonly #options: InstructionsOptions;
  /** In order of use. */
  readonly #queues = new Map<string, SessionQueue>();

  constructor(options: InstructionsOptions) {
    this.#options = options;
  }

  /** A delivery of the server; one that was done is answered again. */
  deliver(deliveryId: number, instruction: Instruction): void {
    const { sessionId } = instruction;
    const queue = this.#queue(sessionId);
    if (queue.taken.has(deliveryId)) return;
    if (deliveryId <= queue.done && !queue.failed.has(deliveryId)) {
      this.#options.done(deliveryId);
      return;
    }
    queue.taken.add(deliveryId);
    queue.failed.delete(deliveryId);
    const carried = async (): Promise<void> => {
      try {
        const postponed = await this.#options.carryOut(deliveryId, instruction);
        if (postponed !== undefined) {
          void postponed.until.then(() => (queue.last = queue.last.then(carried)));
          return;
        }
        this.#finishWhenStored(queue, deliveryId, instruction);
      } catch (error) {
        // Stays undone: the server delivers it again with the next link.
        queue.taken.delete(deliveryId);
        queue.failed.add(deliveryId);
        this.#options.log.error({ err: error, deliveryId, type: instruction.type }, 'an instruction failed');
      }
    };
    if (this.#options.overtakes(instruction)) void carried();
    else queue.last = queue.last.then(carried);
  }

  #finishWhenStored(queue: SessionQueue, deliveryId: number, instruction: Instruction): void {
    const finish = (): void => {
      queue.taken.delete(deliveryId);
      queue.done = Math.max(queue.done, deliveryId);
      this.#options.done(deliveryId);
    };
    const source = sourceOf(instruction);
    if (!this.#options.reports.whenStored(instruction.sessionId, source, deliveryId, finish)) finish();
  }

  #queue(sessionId: string): SessionQueue {
    const queue = this.#queues.get(sessionId) ?? {
      taken: new Set<number>(),
      failed: new Set<number>(),
      done: 0,
      last: Promise.resolve(),
    };
    this.#queues.delete(sessionId);
    this.#queues.set(sessionId, queue);
    if (this.#queues.size > rememberedSessions) {
      for (const [oldest, { taken }] of this.#queues) {
        if (taken.size > 0) continue;
        this.#queues.delete(oldest);
        break;
      }
    }
    return queue;
  }
}
