/** The agent's messages, one by one, as facts and previews. */
import { describe, expect, it } from 'vitest';
import { factDraftSchema, type FactDraft } from '@holdfast/protocol/fact.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import type { AgentMeta } from '@holdfast/runner/agents/driver.ts';
import { appliedProbe, approvalIdOf, promptUuid } from '@holdfast/runner/agents/claude/frame.ts';
import { parseMessage } from '@holdfast/runner/agents/claude/message.ts';
import { decidePermission } from '@holdfast/runner/agents/claude/permission.ts';
import { openPreviews, translate, translateEnd } from '@holdfast/runner/agents/claude/translate.ts';
import {
  askToStop,
  beginTurn,
  goesOn,
  initialState,
  type TranslationState,
} from '@holdfast/runner/agents/claude/translation-state.ts';
import {
  apiRetry,
  assistant,
  backgroundTasks,
  bash,
  blockStart,
  cancel,
  canUseTool,
  init,
  lifecycle,
  result,
  streamEvent,
  taskEnded,
  textDelta,
  toolResult,
} from './message-examples.ts';

const meta: AgentMeta = {
  sessionId: 's1',
  generation: 1,
  cwd: '/home/user/project',
  agent: { provider: 'claude', mode: 'agent' },
  conversationId: null,
  turn: null,
  allowedTools: [],
};
const idle = initialState(meta, 0);
const open = beginTurn(idle, { turnId: 't1', messageId: 'm1' });

/** Reads messages in order; every fact must fit the protocol. */
function read(state: TranslationState, ...messages: object[]) {
  const facts: FactDraft[] = [];
  const previews: Preview[] = [];
  for (const [index, message] of messages.entries()) {
    const parsed = parseMessage(JSON.stringify(message));
    if (parsed === null) throw new Error('no message');
    const translation = translate(state, parsed, {
      position: index + 1,
      processId: 's1.1',
      generation: 1,
      remedy: 'log in',
      decide: (tool, input) => decidePermission('agent', [], tool, input),
    });
    state = translation.state;
    facts.push(...translation.facts.map((fact) => factDraftSchema.parse(fact)));
    previews.push(...translation.previews);
  }
  return { state, facts, previews };
}

describe('words', () => {
  it('TURN8: deltas are previews, and the block they make is a fact under the same id', () => {
    const written = [blockStart(1, 'text'), textDelta(1, 'Hello '), textDelta(1, 'world.')];
    const halfway = read(open, ...written);
    expect(halfway.facts).toEqual([]);
    expect(halfway.previews).toEqual([
      { blockId: 'msg_1:1', turnId: 't1', kind: 'text', offset: 0, text: 'Hello ' },
      { blockId: 'msg_1:1', turnId: 't1', kind: 'text', offset: 6, text: 'world.' },
    ]);
    expect(openPreviews(halfway.state)).toMatchObject([{ blockId: 'msg_1:1', offset: 0, text: 'Hello world.' }]);
    const finished = read(halfway.state, assistant({ type: 'text', text: 'Hello world.' }));
    expect(finished.facts).toEqual([
      {
        type: 'message.assistant',
        data: { blockId: 'msg_1:1', turnId: 't1', kind: 'text', text: 'Hello world.' },
      },
    ]);
    expect(openPreviews(finished.state)).toEqual([]);
  });

  it('TURN8: a block given up by the provider is taken back', () => {
    const { previews, state } = read(
      open,
      blockStart(0, 'text'),
      textDelta(0, 'Hel'),
      streamEvent({ type: 'message_stop', abandoned_blocks: [0] }),
    );
    expect(previews.at(-1)).toMatchObject({ blockId: 'msg_1:0', offset: 0, text: '' });
    expect(translateEnd(state)).toEqual([]);
  });

  it('TURN5: a block whose beginning an earlier driver saw has no preview, but the same id in its fact', () => {
    const { facts, previews } = read(open, textDelta(2, 'rest'), assistant({ type: 'text', text: 'All the rest' }));
    expect(previews).toEqual([]);
    expect(facts).toMatchObject([{ data: { blockId: 'msg_1:2', text: 'All the rest' } }]);
  });

  it('TURN6: what a dead process had not finished is told as partial', () => {
    const { state } = read(open, blockStart(0, 'text'), textDelta(0, 'Once upon '));
    expect(translateEnd(state)).toMatchObject([{ data: { text: 'Once upon ', partial: true } }]);
    expect(translateEnd(askToStop(state)).at(-1)).toEqual({
      type: 'turn.ended',
      data: { turnId: 't1', outcome: 'stopped' },
    });
  });

  it('TURN8: words of a sub-agent carry the tool call they belong to, beside those of the agent itself', () => {
    const { facts } = read(
      open,
      blockStart(0, 'text'),
      textDelta(0, 'mine'),
      assistant({ type: 'text', text: 'sub working' }, { parent_tool_use_id: 'toolu_9' }),
      assistant({ type: 'text', text: 'mine' }),
    );
    expect(facts).toMatchObject([
      { data: { text: 'sub working', parentToolCallId: 'toolu_9' } },
      { data: { text: 'mine', blockId: 'msg_1:0' } },
    ]);
  });
});

describe('tools', () => {
  it('WIRE6: a call is told in one line, its input and output within their limits', () => {
    const long = 'é'.repeat(limits.wireItem);
    const { facts } = read(
      open,
      assistant({ ...bash, input: { command: 'npm test\nx', more: long } }),
      toolResult({ content: [{ type: 'text', text: long }] }, {}),
    );
    expect(facts).toMatchObject([
      { type: 'tool.started', data: { toolCallId: 'toolu_1', turnId: 't1', tool: 'Bash', title: 'npm test x' } },
      {
        type: 'tool.finished',
        data: { toolCallId: 'toolu_1', outcome: 'succeeded', output: { bytes: long.length * 2 } },
      },
    ]);
    const [started, finished] = facts;
    expect(Buffer.byteLength(JSON.stringify(started))).toBeLessThan(limits.wireItem + 1_000);
    const output = finished?.type === 'tool.finished' ? finished.data.output : undefined;
    expect(output?.cut).toBe(true);
    expect(Buffer.byteLength(output?.text ?? '')).toBeLessThanOrEqual(limits.wireItem);
    expect(output?.text).not.toContain('\ufffd');
  });

  it.each([
    ['succeeded', { content: 'ok', is_error: false }, { permission_decision: { decision: 'accept' } }, undefined],
    ['failed', { content: 'Exit code 1', is_error: true }, { permission_decision: { decision: 'accept' } }, undefined],
    [
      'denied',
      { content: 'not this', is_error: true },
      { non_execution_kind: 'permission-rule', permission_decision: { decision: 'reject' } },
      undefined,
    ],
    ['stopped', { content: 'rejected', is_error: true }, { non_execution_kind: 'user-rejected' }, undefined],
    ['stopped', { content: 'cut', is_error: false }, {}, { stdout: 'cut', interrupted: true }],
  ])('TURN2: a tool that came out as %s is told so', (outcome, block, meta, structure) => {
    const { facts } = read(open, toolResult(block, meta, structure));
    expect(facts).toMatchObject([{ type: 'tool.finished', data: { outcome } }]);
  });

  it('TURN2: an edit is told with its diff', () => {
    const structure = {
      type: 'update',
      filePath: '/home/user/project/a.txt',
      originalFile: 'one\n',
      structuredPatch: [{ oldStart: 1, oldLines: 1, newStart: 1, newLines: 1, lines: ['-one', '+two'] }],
    };
    const { facts } = read(open, toolResult({ content: 'done' }, {}, structure));
    expect(facts).toMatchObject([
      { data: { diff: { path: '/home/user/project/a.txt', patch: '@@ -1,1 +1,1 @@\n-one\n+two\n' } } },
    ]);
  });
});

describe('approvals', () => {
  it('APPR1: the id follows from the tool call, and a repeat under the same request is not told', () => {
    const { facts } = read(open, canUseTool(), canUseTool());
    expect(facts).toMatchObject([
      { type: 'approval.requested', data: { approvalId: 'a_toolu_1', toolCallId: 'toolu_1', title: 'npm test' } },
    ]);
    const strange = approvalIdOf('call/ü '.repeat(20));
    expect(strange).toBe(approvalIdOf('call/ü '.repeat(20)));
    expect(strange).toMatch(/^a_[0-9a-f]{62}$/);
    expect(approvalIdOf('call/a')).not.toBe(approvalIdOf('call_a'));
  });

  it('APPR3: applied is told where the agent replies to the probe behind the answer, once', () => {
    const { request_id } = JSON.parse(appliedProbe('a_toolu_1')) as { request_id: string };
    const reply = { type: 'control_response', response: { subtype: 'success', request_id, response: {} } };
    expect(read(open, canUseTool(), reply, reply).facts.slice(1)).toEqual([
      { type: 'approval.applied', data: { approvalId: 'a_toolu_1' } },
    ]);
    const other = { type: 'control_response', response: { subtype: 'success', request_id: 'abc', response: {} } };
    expect(read(open, other).facts).toEqual([]);
  });

  it('APPR4: an approval ends without an answer only when the agent withdraws it or its turn ends', () => {
    expect(read(open, canUseTool(), cancel).facts.at(-1)).toEqual({
      type: 'approval.expired',
      data: { approvalId: 'a_toolu_1', reason: 'withdrawn' },
    });
    const ended = read(open, canUseTool(), result({ terminal_reason: 'aborted_tools', is_error: true }));
    expect(ended.facts.slice(-2)).toMatchObject([
      { type: 'approval.expired', data: { reason: 'turn_ended' } },
      { type: 'turn.ended', data: { outcome: 'stopped' } },
    ]);
  });

  it('APPR1: a question carries its options', () => {
    const questions = [{ question: 'Which?', header: 'W', multiSelect: true, options: [{ label: 'A' }] }];
    expect(read(open, canUseTool('AskUserQuestion', { questions })).facts).toMatchObject([
      { type: 'question.requested', data: { kind: 'question', title: 'Which?', questions, scopes: ['once'] } },
    ]);
    expect(read(open, canUseTool('ExitPlanMode', { plan: '1. Do it' })).facts).toMatchObject([
      { type: 'approval.requested', data: { kind: 'plan', title: '1. Do it' } },
    ]);
  });
});

describe('turns', () => {
  it.each([
    [{}, { outcome: 'completed' }],
    [{ is_error: true, terminal_reason: 'aborted_streaming' }, { outcome: 'stopped' }],
    [
      { is_error: true, terminal_reason: 'api_error', api_error_status: 400, result: 'API Error: 400' },
      { outcome: 'failed', error: { kind: 'internal', message: 'API Error: 400' } },
    ],
    [
      { is_error: true, terminal_reason: 'api_error', api_error_status: 529, result: 'Overloaded' },
      { outcome: 'failed', error: { kind: 'unavailable', message: 'Overloaded' } },
    ],
    [
      { is_error: true, api_error_status: 401, result: 'Invalid API key' },
      { outcome: 'failed', error: { kind: 'agent_unavailable', message: 'log in' } },
    ],
    [
      { subtype: 'error_max_turns', is_error: true, terminal_reason: 'max_turns', result: undefined, errors: [] },
      { outcome: 'failed', error: { kind: 'internal', message: 'The agent ended the turn: error_max_turns' } },
    ],
  ])('TURN2: the result %j ends the turn once', (fields, end) => {
    const { facts } = read(open, result(fields), result(fields));
    expect(facts.filter((fact) => fact.type === 'turn.ended')).toEqual([
      { type: 'turn.ended', data: { turnId: 't1', ...end } },
    ]);
  });

  it('TURN2: the result of work in the background does not end the person’s turn', () => {
    const background = [
      result({ origin: { kind: 'task-notification' } }),
      result({ user_message_uuids: ['00000000-0000-4000-8000-000000000000'] }),
    ];
    expect(read(open, ...background).facts.some((fact) => fact.type === 'turn.ended')).toBe(false);
    const own = result({ user_message_uuids: [promptUuid('m1')] });
    expect(read(open, own).facts.at(-1)).toMatchObject({ type: 'turn.ended' });
  });

  it('TURN17: what begins with no turn open is a turn of the agent’s own, says why, and ends with its result', () => {
    const before = read(open, init(), backgroundTasks({ b1: 'build' }), result({})).state;
    const { state, facts } = read(before, taskEnded('b1'), init(), assistant({ type: 'text', text: 'It ended.' }));
    const turnId = state.turn?.turnId ?? '';
    const title = 'background command "build" completed (exit code 0)';
    expect(facts).toMatchObject([
      { type: 'turn.started', data: { turnId, generation: 1, cause: { kind: 'background', title } } },
      { type: 'message.assistant', data: { turnId, text: 'It ended.' } },
    ]);
    const over = read(state, result({ origin: { kind: 'task-notification' } }));
    expect(over.facts.at(-1)).toEqual({ type: 'turn.ended', data: { turnId, outcome: 'completed' } });
    // A report is for the agent; the alarm it set is another cause.
    const report = read(before, taskEnded('b1', { summary_is_report: true, status: 'failed' }), init());
    expect(report.facts[0]?.data).toMatchObject({ cause: { title: 'the sub-agent “build” has failed' } });
    const alarm = read(before, { ...lifecycle('x', 'started'), wakeup_source: 'loop_wakeup' }, init());
    expect(alarm.facts[0]?.data).toMatchObject({ cause: { kind: 'schedule' } });
    expect(read(before, init()).facts[0]?.data).toMatchObject({ cause: { kind: 'unknown' } });
  });

  it('TURN18: within the person’s turn, and before the first, nothing begins by itself', () => {
    const within = read(open, init(), taskEnded('b1'), init(), result({ origin: { kind: 'task-notification' } }));
    expect(within.facts.filter((fact) => fact.type.startsWith('turn.'))).toEqual([]);
    expect(read(idle, init()).facts.map((fact) => fact.type)).toEqual(['agent.conversation']);
  });

  it('TURN5: a turn of the agent’s own is open from where it began, and not before', () => {
    const noted = { ...meta, turn: { turnId: 'own', position: 40 }, lastTurnId: 't1' };
    expect(initialState(noted, 40)).toMatchObject({ turn: { turnId: 'own' }, lastTurnId: 'own' });
    expect(initialState(noted, 39)).toMatchObject({ turn: null, lastTurnId: 't1' });
    expect(initialState({ ...meta, lastTurnId: 't1' }, 0)).toMatchObject({ turn: null, lastTurnId: 't1' });
  });

  it('APPR12: what a sub-agent asks is not over with a turn, unless the agent says so', () => {
    const asked = read(open, canUseTool('Bash', { command: 'npm test' }, 'child'), result({}));
    expect(asked.facts.map((fact) => fact.type)).toEqual(['approval.requested', 'usage', 'turn.ended']);
    const next = read(beginTurn(asked.state, { turnId: 't2', messageId: 'm2' }), result({}));
    expect(next.facts.some((fact) => fact.type === 'approval.expired')).toBe(false);
    expect(read(next.state, cancel).facts).toMatchObject([{ type: 'approval.expired', data: { reason: 'withdrawn' } }]);
  });

  it('LIMIT4: what runs in the background and who is asked keep it from being idle', () => {
    const over = result({});
    expect(goesOn(read(open, backgroundTasks({}), over).state)).toBe(false);
    expect(goesOn(read(open, backgroundTasks({ b1: 'build' }), over).state)).toBe(true);
    const asked = read(open, canUseTool('Bash', { command: 'npm test' }, 'child'), over).state;
    expect(goesOn(asked)).toBe(true);
    expect(goesOn(read(asked, cancel).state)).toBe(false);
  });

  it('TURN7: a prompt dropped before the agent took it up ends its turn', () => {
    expect(read(open, lifecycle(promptUuid('m1'), 'cancelled')).facts).toEqual([
      { type: 'turn.ended', data: { turnId: 't1', outcome: 'stopped' } },
    ]);
    expect(read(open, lifecycle(promptUuid('m2'), 'cancelled')).facts).toEqual([]);
  });

  it('TURN9: a refused login ends the turn at the first retry, with what to do', () => {
    const { facts, state } = read(open, apiRetry('authentication_failed', 401), result({ is_error: true }));
    expect(facts.filter((fact) => fact.type === 'turn.ended')).toMatchObject([
      { data: { outcome: 'failed', error: { kind: 'agent_unavailable', message: 'log in' } } },
    ]);
    expect(state.unauthenticated).toBe(true);
    expect(read(open, apiRetry('overloaded', 529)).facts).toMatchObject([
      { type: 'turn.notice', data: { level: 'warning', text: expect.stringContaining('529') as string } },
    ]);
  });

  it('TURN2: usage is of the turn, the context of the newest call', () => {
    const { facts } = read(open, assistant({ type: 'text', text: 'x' }), result({}));
    expect(facts.find((fact) => fact.type === 'usage')).toEqual({
      type: 'usage',
      data: {
        turnId: 't1',
        inputTokens: 132,
        outputTokens: 1,
        costUsd: 0.001,
        contextTokens: 133,
        contextWindow: 1_000_000,
      },
    });
  });

  it('TURN6: the conversation’s id is told when it changes', () => {
    const { facts } = read(open, init('a'), init('a'), init('b'));
    expect(facts.map((fact) => fact.data)).toEqual([{ conversationId: 'a' }, { conversationId: 'b' }]);
  });
});

describe('what is not understood', () => {
  it('WIRE1: a line that is no message is told apart, an unknown one changes nothing', () => {
    expect(parseMessage('{"type":')).toBeNull();
    expect(parseMessage('[1]')).toBeNull();
    for (const message of [
      { type: 'new_thing' },
      { type: 'assistant', message: 7 },
      { type: 'system', subtype: 'x' },
    ]) {
      expect(read(open, message)).toEqual({ state: open, facts: [], previews: [] });
    }
    expect(parseMessage('{"type":"assistant","message":7}')).toMatchObject({ unreadable: expect.anything() as string });
  });
});
