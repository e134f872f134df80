/** A decision under way: facts are added one by one, each folded at once, so that later ones see what earlier ones did. */
import type { Actor, Approval, ApprovalRule } from '@holdfast/protocol/approval.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { Driver } from '@holdfast/protocol/presence.ts';
import type { Instruction } from '@holdfast/protocol/runner.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { apply } from './apply.ts';

export interface Decision {
  readonly state: SessionState;
  readonly facts: readonly FactDraft[];
  readonly instructions: readonly Instruction[];
  /** Rows that changed, as they are now. */
  readonly approvals: readonly Approval[];
  /** Rules to be kept from now on, new or in place of one with the same id. */
  readonly rules: readonly ApprovalRule[];
  /** Turns that are over with these facts: nobody need be told anything about them any more. */
  readonly overTurns: readonly string[];
}

/** Part of a report that was not taken: it cannot be true any more, or never was. */
export interface RefusedFact {
  readonly type: FactDraft['type'];
  /** For the log of the server. */
  readonly why: string;
}

/** What a decision may use from outside. */
export interface DecisionContext {
  readonly sessionId: string;
  /** ISO 8601; the same for every fact of the decision. */
  readonly at: string;
  /** A fresh id at each call. */
  readonly newId: () => string;
  /** The workspace's folder on the runner's machine. */
  readonly cwd: string;
  /** The session's. */
  readonly workspaceId: string;
  readonly ownerId: string;
  /** The owner's, as they are at this moment; expired ones may be among them. */
  readonly rules: readonly ApprovalRule[];
}

export interface CommandContext extends DecisionContext {
  /** Who asks. */
  readonly actor: Actor;
  /** The client of this id that is attached to the session now; null: there is none. */
  readonly attached: (clientId: string) => Driver | null;
}

export class Draft implements Decision {
  state: SessionState;
  readonly facts: FactDraft[] = [];
  readonly instructions: Instruction[] = [];
  readonly rules: ApprovalRule[] = [];
  readonly refused: RefusedFact[] = [];
  readonly #approvals = new Map<string, Approval>();
  readonly #context: DecisionContext;

  constructor(state: SessionState, context: DecisionContext) {
    this.state = state;
    this.#context = context;
  }

  get approvals(): readonly Approval[] {
    return [...this.#approvals.values()];
  }

  get overTurns(): readonly string[] {
    return this.facts.flatMap((fact) => (endsTurn(fact) ? [fact.data.turnId] : []));
  }

  add(fact: FactDraft): void {
    const before = this.state.agent?.approvals ?? {};
    this.state = apply(this.state, fact, this.#context.at, this.#context.sessionId);
    this.facts.push(fact);
    const after = this.state.agent?.approvals ?? {};
    if (after === before) return;
    for (const [id, approval] of Object.entries(after)) if (before[id] !== approval) this.#approvals.set(id, approval);
    for (const [id, approval] of Object.entries(before)) {
      if (!(id in after)) {
        this.#approvals.set(id, { ...approval, status: fact.type === 'approval.applied' ? 'applied' : 'expired' });
      }
    }
  }

  refuse(fact: FactDraft, why: string): void {
    this.refused.push({ type: fact.type, why });
  }

  instruct(instruction: Instruction): void {
    this.instructions.push(instruction);
  }
}

/** A turn that is left by the person was over before. */
function endsTurn(fact: FactDraft): fact is Extract<FactDraft, { type: 'turn.ended' | 'turn.interrupted' }> {
  return fact.type === 'turn.ended' || (fact.type === 'turn.interrupted' && fact.data.reason !== 'discarded');
}
