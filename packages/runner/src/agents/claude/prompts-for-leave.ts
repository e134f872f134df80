/**
 * The agent's open questions to the person: each a callback of the SDK that waits, and the answers that wait for one.
 * After a re-attach the agent asks its open questions again; an answer may come before that.
 */
import type { PermissionResult } from '@anthropic-ai/claude-agent-sdk';

export interface OpenPrompt {
  readonly toolCallId: string;
  readonly tool: string;
  readonly input: Record<string, unknown>;
  readonly resolve: (result: PermissionResult) => void;
}

export class PromptsForLeave {
  readonly #open = new Map<string, OpenPrompt>();
  readonly #waiting = new Map<string, Set<(prompt: OpenPrompt | null) => void>>();

  open(approvalId: string, prompt: OpenPrompt): void {
    this.#open.set(approvalId, prompt);
    this.#settle(approvalId, prompt);
  }

  /** Answered or withdrawn. */
  close(approvalId: string): void {
    this.#open.delete(approvalId);
    this.#settle(approvalId, null);
  }

  /** null: it was closed, or is not going to be asked. */
  wait(approvalId: string): Promise<OpenPrompt | null> {
    const prompt = this.#open.get(approvalId);
    if (prompt !== undefined) return Promise.resolve(prompt);
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(approvalId) ?? new Set();
      this.#waiting.set(approvalId, waiting.add(resolve));
    });
  }

  /** Tells those who wait for a prompt that will not be asked. */
  giveUp(willBeAsked: (approvalId: string) => boolean): void {
    for (const approvalId of this.#waiting.keys()) if (!willBeAsked(approvalId)) this.#settle(approvalId, null);
  }

  #settle(approvalId: string, prompt: OpenPrompt | null): void {
    const waiting = this.#waiting.get(approvalId) ?? [];
    this.#waiting.delete(approvalId);
    for (const resolve of waiting) resolve(prompt);
  }
}
