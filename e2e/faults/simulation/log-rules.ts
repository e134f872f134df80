/** What no log of an agent may ever hold, whatever happened. Each answer begins with the rule that was broken. */
import type { Fact } from '@holdfast/protocol/fact.ts';

/** Reads the log once, in order. */
export function faultsOfLog(facts: readonly Fact[]): string[] {
  const reading = new LogReading();
  for (const fact of facts) reading.read(fact);
  return reading.faults;
}

class LogReading {
  readonly faults: string[] = [];
  readonly #over = new Set<string>();
  readonly #begun = new Set<string>();
  readonly #messages = new Set<string>();
  /** Open tool calls, by their turn. */
  readonly #tools = new Map<string, string>();
  readonly #allTools = new Set<string>();
  readonly #approvals = new Map<string, 'pending' | 'answered' | 'settled'>();
  /** The turn each was asked in. */
  readonly #askedIn = new Map<string, string>();
  #turn: string | null = null;
  /** On its way when the agent began by itself. */
  #next: string | null = null;
  #queue: readonly { readonly messageId: string }[] = [];
  #generation = 0;

  read(fact: Fact): void {
    switch (fact.type) {
      case 'session.started':
        if (fact.data.generation <= this.#generation) this.#fault('TURN3', fact, 'a process starts again');
        this.#generation = fact.data.generation;
        return;
      case 'message.user':
        if (this.#messages.has(fact.data.messageId)) this.#fault('LOG4', fact, 'a message twice');
        this.#messages.add(fact.data.messageId);
        if (fact.data.turnId !== null) this.#dispatched(fact, fact.data.turnId);
        return;
      case 'queue.changed': {
        const { queue, taken } = fact.data;
        if (taken !== undefined) {
          if (this.#queue[0]?.messageId !== taken.messageId) this.#fault('TURN1', fact, 'taken out of turn');
          this.#dispatched(fact, taken.turnId);
        }
        this.#queue = queue;
        return;
      }
      case 'turn.started':
        if (fact.data.cause !== undefined) this.#ownBegins(fact.data.turnId);
        if (this.#turn !== fact.data.turnId) this.#fault('TURN3', fact, 'a turn that is not open runs');
        if (this.#begun.has(fact.data.turnId)) this.#fault('TURN3', fact, 'a turn starts again');
        this.#begun.add(fact.data.turnId);
        return;
      case 'turn.ended':
        return this.#ended(fact, fact.data.turnId);
      case 'turn.interrupted':
        if (fact.data.reason !== 'discarded') this.#ended(fact, fact.data.turnId);
        return;
      case 'message.assistant':
        if (fact.data.turnId !== this.#turn) this.#fault('TURN2', fact, 'text of a turn that is over');
        return;
      case 'tool.started':
        if (fact.data.turnId !== this.#turn) this.#fault('TURN2', fact, 'a tool of a turn that is over');
        if (this.#allTools.has(fact.data.toolCallId)) this.#fault('TURN5', fact, 'a tool starts twice');
        this.#allTools.add(fact.data.toolCallId);
        this.#tools.set(fact.data.toolCallId, fact.data.turnId);
        return;
      case 'tool.finished':
        if (!this.#tools.delete(fact.data.toolCallId)) this.#fault('TURN5', fact, 'a tool ends that is not open');
        return;
      case 'approval.requested':
      case 'question.requested':
        if (fact.data.turnId !== this.#turn) this.#fault('APPR4', fact, 'asked by a turn that is over');
        if (this.#approvals.has(fact.data.approvalId)) this.#fault('APPR1', fact, 'asked twice');
        this.#approvals.set(fact.data.approvalId, 'pending');
        this.#askedIn.set(fact.data.approvalId, fact.data.turnId);
        return;
      case 'approval.answered':
      case 'question.answered':
        return this.#approval(fact, fact.data.approvalId, ['pending'], 'answered', 'APPR2');
      case 'approval.applied':
        return this.#approval(fact, fact.data.approvalId, ['answered'], 'settled', 'APPR3');
      case 'approval.expired':
        return this.#approval(fact, fact.data.approvalId, ['pending', 'answered'], 'settled', 'APPR4');
      default:
    }
  }

  #ownBegins(turnId: string): void {
    this.#next = this.#turn;
    this.#turn = turnId;
  }

  #dispatched(fact: Fact, turnId: string): void {
    if (this.#turn !== null) this.#fault('TURN1', fact, `${this.#turn} is open already`);
    this.#turn = turnId;
  }

  #ended(fact: Fact, turnId: string): void {
    if (this.#over.has(turnId)) this.#fault('TURN2', fact, 'a turn ends twice');
    else if (this.#turn !== turnId && this.#next !== turnId) this.#fault('TURN2', fact, 'a turn ends that is not open');
    this.#over.add(turnId);
    if (this.#next === turnId) this.#next = null;
    if (this.#turn === turnId) [this.#turn, this.#next] = [this.#next, null];
    for (const [toolCallId, owner] of this.#tools) {
      if (owner === turnId) this.#fault('TURN6', fact, `${toolCallId} stays open`);
    }
    for (const [approvalId, status] of this.#approvals) {
      if (status !== 'settled' && this.#askedIn.get(approvalId) === turnId)
        this.#fault('TURN6', fact, `${approvalId} stays ${status}`);
    }
  }

  #approval(
    fact: Fact,
    id: string,
    from: readonly ('pending' | 'answered')[],
    to: 'answered' | 'settled',
    rule: string,
  ): void {
    const status = this.#approvals.get(id) ?? 'unknown';
    if (!from.some((expected) => expected === status)) this.#fault(rule, fact, `it was ${status}`);
    this.#approvals.set(id, to);
  }

  #fault(rule: string, fact: Fact, what: string): void {
    this.faults.push(`${rule}: ${fact.type} at ${fact.seq}: ${what}`);
  }
}
