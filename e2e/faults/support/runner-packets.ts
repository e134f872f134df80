/** What a runner may say, must not say, and never would: facts, reports and messages to the server. */
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { ToServer } from '@holdfast/protocol/runner.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import type { Random } from '@holdfast/testkit/random.ts';

/** What the server has told it, and whom it talks of. */
export interface RunnerSubject {
  readonly runnerId: string;
  readonly sessionId: string;
  readonly turnId: string;
  readonly deliveryId: number;
  readonly requestId: string;
}

export function runnerMessage(random: Random, subject: RunnerSubject): ToServer {
  const { runnerId, sessionId, turnId, deliveryId, requestId } = subject;
  const offset = random.pick([0, 1, 5, 1_000, Number.MAX_SAFE_INTEGER]);
  const data = new Uint8Array(random.integer(40));
  const error = { kind: 'internal', message: 'm' } as const;
  const generation = 1 + random.integer(3);
  // Seldom: a second one ends the link.
  if (random.next() < 0.01) {
    const inventory = [{ sessionId, generation, alive: random.next() < 0.5, turnId }];
    return { type: 'hello', protocolVersion, runnerId, name: 'fuzz', roots: ['/'], inventory };
  }
  return random.pick<() => ToServer>([
    () => ({ type: 'done', deliveryId }),
    () => report(random, subject),
    () => report(random, subject),
    () => report(random, subject),
    () => report(random, subject),
    () => ({ type: 'inputAccepted', sessionId, inputId: 'i', offset }),
    () => ({ type: 'inputRefused', sessionId, inputId: 'i', error }),
    () => ({ type: 'ttyOpened', sessionId, first: offset }),
    () => ({ type: 'tty', sessionId, offset, data }),
    () => ({
      type: 'preview',
      sessionId,
      preview: { blockId: `b${random.integer(3)}`, turnId, kind: 'text', offset, text: 'abc' },
    }),
    () => ({ type: 'answer', requestId, result: { ok: true, value: { agents: [], path: 1 } } }),
    () => ({ type: 'answer', requestId, result: { ok: false, error } }),
  ])();
}

function report(random: Random, subject: RunnerSubject): ToServer {
  const { sessionId } = subject;
  const facts = Array.from({ length: random.integer(4) }, () => random.pick(factsOf(random, subject)));
  const screen = { offset: 3, cols: 80, rows: 24, ansi: 'x', text: 'x' };
  return {
    type: 'report',
    report: {
      sessionId,
      source: random.pick(['deliveries', 'g1:stdout', 'x']),
      position: random.pick([0, 1, 2, random.integer(1_000_000), Number.MAX_SAFE_INTEGER]),
      facts,
      ...(random.next() < 0.1 ? { screen } : {}),
    },
  };
}

function factsOf(random: Random, { turnId }: RunnerSubject): FactDraft[] {
  const toolCallId = `call-${random.integer(4)}`;
  const approvalId = `ask-${random.integer(4)}`;
  const asked = {
    ...{ approvalId, turnId, toolCallId, tool: 'Bash', title: 'ls', input: { command: 'ls' } },
    scopes: ['once' as const],
  };
  const output = { text: 'out', bytes: 3, cut: false };
  const answer = { decision: 'allow' } as const;
  const message = { messageId: 'm', text: 'forged' };
  return [
    { type: 'session.started', data: { generation: 1 + random.integer(3) } },
    { type: 'session.ended', data: { reason: 'exited' } },
    { type: 'session.failed', data: { error: { kind: 'internal', message: 'm' } } },
    { type: 'session.created', data: { kind: 'agent', workspaceId: 'w', title: 'forged' } },
    { type: 'session.renamed', data: { title: 'forged' } },
    { type: 'message.user', data: { ...message, turnId } },
    { type: 'message.assistant', data: { blockId: `b${random.integer(3)}`, turnId, kind: 'text', text: 'said' } },
    { type: 'tool.started', data: { toolCallId, turnId, tool: 'Bash', title: 'ls', input: {} } },
    { type: 'tool.finished', data: { toolCallId, outcome: 'succeeded', output } },
    { type: 'approval.requested', data: { ...asked, kind: 'permission' } },
    { type: 'question.requested', data: { ...asked, kind: 'question', questions: [] } },
    { type: 'approval.answered', data: { approvalId, answer } },
    { type: 'question.answered', data: { approvalId, answer } },
    { type: 'approval.applied', data: { approvalId } },
    { type: 'approval.expired', data: { approvalId, reason: 'withdrawn' } },
    { type: 'turn.started', data: { turnId, generation: 1 + random.integer(3), messageId: 'm' } },
    {
      type: 'turn.started',
      data: { turnId: `own-${random.integer(3)}`, generation: 1, messageId: 'm', cause: { kind: 'unknown' } },
    },
    { type: 'turn.stopping', data: { turnId } },
    { type: 'turn.ended', data: { turnId, outcome: random.pick(['completed', 'failed', 'stopped']) } },
    { type: 'turn.interrupted', data: { turnId, reason: random.pick(['agent_died', 'discarded']) } },
    { type: 'turn.notice', data: { turnId, level: 'info', text: 'n' } },
    { type: 'mode.changed', data: { mode: 'auto' } },
    { type: 'model.changed', data: { model: 'm' } },
    { type: 'usage', data: { turnId, inputTokens: 1, outputTokens: 1e300 } },
    { type: 'queue.changed', data: { queue: [message], taken: { ...message, turnId } } },
    { type: 'driver.changed', data: { driver: null } },
    { type: 'terminal.exited', data: { exitCode: 0, signal: null } },
    { type: 'terminal.resized', data: { cols: 80, rows: 24 } },
    { type: 'terminal.recording.started', data: { recordingId: 'r' } },
    { type: 'terminal.recording.ended', data: { recordingId: 'r', bytes: 1, durationMs: 1, reason: 'full' } },
    { type: 'agent.conversation', data: { conversationId: 'c' } },
  ];
}
