/** What waits for people, their answers, and the rules they make of them. */
import type { Approval, ApprovalRule, ApprovalStatus } from '@holdfast/protocol/approval.ts';
import type { Command, Receipt } from '@holdfast/protocol/command.ts';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { AnswerApprovals, ApprovalsAnswered } from '@holdfast/protocol/rest.ts';
import { alreadyAnswered } from '@holdfast/core/session/approvals.ts';
import type { Store } from '@holdfast/store/store.ts';
import type { Login } from './application.ts';
import { authorise } from './authorise.ts';

export interface ApprovalsOptions {
  readonly store: Store;
  /** Wall time, ISO 8601 UTC. */
  readonly time: () => string;
  /** An answer is a command of its session. */
  readonly command: (login: Login, sessionId: string, command: Command) => Promise<Result<Receipt>>;
}

const mostListed = 500;

export class Approvals {
  readonly #options: ApprovalsOptions;

  constructor(options: ApprovalsOptions) {
    this.#options = options;
  }

  async list(login: Login, status: ApprovalStatus | undefined): Promise<Approval[]> {
    const query = { ownerId: login.userId, limit: mostListed };
    return this.#options.store.approvals(status === undefined ? query : { ...query, status });
  }

  async one(login: Login, id: string): Promise<Result<Approval>> {
    const { store } = this.#options;
    const approval = await store.approval(id);
    const session = approval === null ? null : await store.session(approval.sessionId);
    const allowed = authorise(login, session, 'approval');
    return allowed.ok && approval !== null ? ok(approval) : fail('not_found', 'There is no such approval.');
  }

  /** One after the other, each a command with a receipt of its own: a refused one takes none of the others along. */
  async answer(login: Login, { answers }: AnswerApprovals): Promise<ApprovalsAnswered> {
    const results: ApprovalsAnswered['results'] = [];
    for (const { approvalId, id, ...answer } of answers) {
      const approval = await this.one(login, approvalId);
      const receipt = approval.ok
        ? await this.#options.command(login, approval.value.sessionId, {
            id,
            type: 'approval.answer',
            approvalId,
            answer,
          })
        : approval;
      results.push({ approvalId, id, ...(receipt.ok ? { receipt: receipt.value } : { error: receipt.error }) });
    }
    return { results };
  }

  /** An approval that is no longer open: say who answered it, if somebody did. */
  async late(approvalId: string, refused: Result<never>): Promise<Result<never>> {
    const approval = await this.#options.store.approval(approvalId);
    if (approval === null || refused.ok || refused.error.kind !== 'not_found') return refused;
    return approval.status === 'expired'
      ? fail('conflict', 'The agent no longer waits for this.')
      : alreadyAnswered(approval.answeredBy, approval.answeredAt);
  }

  async rules(login: Login): Promise<ApprovalRule[]> {
    return this.#options.store.approvalRules(login.userId, this.#options.time());
  }

  async deleteRule(login: Login, id: string): Promise<Result<null>> {
    const removed = await this.#options.store.deleteApprovalRule(login.userId, id);
    return removed ? ok(null) : fail('not_found', 'There is no such rule.');
  }
}
