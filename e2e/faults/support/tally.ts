/** What went wrong, counted the way a person would: gone, twice, or in another order. */
import { isDeepStrictEqual } from 'node:util';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Followed, SentMessage } from './device.ts';

export class Tally {
  readonly lost: string[] = [];
  readonly doubled: string[] = [];
  readonly misordered: string[] = [];

  /** Messages of one device to one session, in the order in which they were made; all were acknowledged. */
  messages(who: string, sent: readonly SentMessage[], log: readonly Fact[]): void {
    const inLog = log.flatMap((fact) => (fact.type === 'message.user' ? [fact.data.messageId] : []));
    for (const { id, text } of sent) {
      const times = inLog.filter((messageId) => messageId === id).length;
      if (times === 0) this.lost.push(`${who}: ${text}`);
      if (times > 1) this.doubled.push(`${who}: ${text}, ${times} times`);
    }
    const own = new Set(sent.map(({ id }) => id));
    const order = inLog.filter((id) => own.has(id));
    if (order.join() !== sent.map(({ id }) => id).join()) this.misordered.push(`${who}: ${order.join()}`);
  }

  /** What one device was handed of a session is the beginning of its log. */
  reading(who: string, { facts, complaints }: Followed, log: readonly Fact[]): void {
    this.lost.push(...complaints.map((complaint) => `${who}: ${complaint}`));
    let expected = 1;
    for (const fact of facts) {
      if (fact.seq > expected) this.lost.push(`${who}: facts ${expected} to ${fact.seq - 1}`);
      if (fact.seq < expected) this.doubled.push(`${who}: fact ${fact.seq} after ${expected - 1}`);
      expected = fact.seq + 1;
    }
    facts.forEach((fact, index) => {
      const stored = log[index];
      if (stored !== undefined && !isDeepStrictEqual(fact, stored)) {
        this.misordered.push(`${who}: fact ${fact.seq} is another one in the log`);
      }
    });
  }

  /** Each approval is answered and applied at most once, and not applied without an answer. */
  approvals(who: string, log: readonly Fact[]): void {
    const ids = (...types: readonly Fact['type'][]): string[] =>
      log.flatMap((fact) => (types.includes(fact.type) && 'approvalId' in fact.data ? [fact.data.approvalId] : []));
    const answered = ids('approval.answered', 'question.answered');
    const applied = ids('approval.applied');
    for (const list of [answered, applied, ids('approval.requested', 'question.requested')]) {
      const seen = new Set<string>();
      for (const id of list) {
        if (seen.has(id)) this.doubled.push(`${who}: approval ${id}`);
        seen.add(id);
      }
    }
    for (const id of applied) if (!answered.includes(id)) this.misordered.push(`${who}: ${id} applied, not answered`);
  }

  /** commands: those that ran, as the logs have it. effects: the tokens they left behind, each its own. */
  effects(commands: readonly string[], effects: readonly string[]): void {
    for (const command of commands) {
      const [, token] = /^echo (token-\d+) /.exec(command) ?? [];
      if (token !== undefined && !effects.includes(token)) this.lost.push(`the effect of ${command}`);
    }
    for (const token of new Set(effects)) {
      const times = effects.filter((other) => other === token).length;
      if (times > 1) this.doubled.push(`the effect ${token}, ${times} times`);
    }
  }

  get counts(): string {
    const { lost, doubled, misordered } = this;
    return `lost ${lost.length}, doubled ${doubled.length}, misordered ${misordered.length}`;
  }
}
