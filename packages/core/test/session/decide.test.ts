import type { Command } from '@holdfast/protocol/command.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { expect, it } from 'vitest';
import { accept, reconcile } from '../../src/session/accept.ts';
import { decide } from '../../src/session/decide.ts';
import type { Decision } from '../../src/session/decision.ts';
import { statusOf } from '../../src/session/status.ts';
import { agentBody, context, counter, created, fold, permission, terminalBody, types } from './fixtures.ts';

const using = context(counter('turn'));
const say = (id: string): Command => ({ id, type: 'message.send', text: `text of ${id}` });

function run(state: SessionState, command: Command): Decision {
  const result = decide(state, command, using);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

function refused(state: SessionState, command: Command): string {
  const result = decide(state, command, using);
  return result.ok ? 'accepted' : result.error.kind;
}

function running(): { state: SessionState; turnId: string } {
  const sent = run(created(agentBody).state, say('m1'));
  const turnId = sent.state.agent?.turn?.turnId ?? '';
  const state = accept(
    sent.state,
    [{ type: 'turn.started', data: { turnId, generation: 1, messageId: 'm1' } }],
    using,
  ).state;
  return { state, turnId };
}

it('TURN3: a message is dispatched, and running only when the runner says so', () => {
  const sent = run(created(agentBody).state, say('m1'));
  expect(types(sent)).toEqual(['message.user']);
  expect(sent.instructions[0]).toMatchObject({ type: 'turn.start', messageId: 'm1', nextGeneration: 1 });
  expect(sent.state.agent?.turn?.phase).toBe('dispatched');
  expect(running().state.agent?.turn?.phase).toBe('running');
});

it('TURN1: messages sent meanwhile are queued and started in order when the turn ends', () => {
  const { state, turnId } = running();
  const second = run(state, say('m2'));
  const third = run(second.state, say('m3'));
  expect(third.instructions).toEqual([]);
  expect(third.state.agent?.queue.map((message) => message.messageId)).toEqual(['m2', 'm3']);
  const ended = accept(third.state, [{ type: 'turn.ended', data: { turnId, outcome: 'completed' } }], using);
  expect(types(ended)).toEqual(['turn.ended', 'queue.changed']);
  expect(ended.instructions[0]).toMatchObject({ type: 'turn.start', messageId: 'm2', text: 'text of m2' });
  expect(ended.state.agent?.turn).toMatchObject({ messageId: 'm2', phase: 'dispatched' });
});

it('TURN1: after a failed turn the queue waits for the person, whose next message goes behind it', () => {
  const { state, turnId } = running();
  const queued = run(state, say('m2')).state;
  const failed = accept(queued, [{ type: 'turn.ended', data: { turnId, outcome: 'failed' } }], using);
  expect(failed.instructions).toEqual([]);
  const sent = run(failed.state, say('m3'));
  expect(sent.instructions[0]).toMatchObject({ messageId: 'm2' });
  expect(sent.state.agent?.queue.map((message) => message.messageId)).toEqual(['m3']);
});

it('TURN1: a queued message can be edited and removed; one that has gone cannot', () => {
  const { state } = running();
  const queued = run(state, say('m2')).state;
  const edited = run(queued, { id: 'e', type: 'queue.edit', messageId: 'm2', text: 'other' }).state;
  const sent = { sentAt: using.at, actor: using.actor };
  expect(edited.agent?.queue).toEqual([{ messageId: 'm2', text: 'other', ...sent }]);
  expect(run(edited, { id: 'r', type: 'queue.remove', messageId: 'm2' }).state.agent?.queue).toEqual([]);
  expect(refused(edited, { id: 'x', type: 'queue.remove', messageId: 'm1' })).toBe('conflict');
});

it('TURN2: a turn that ended is not ended or interrupted again', () => {
  const { state, turnId } = running();
  const ended = accept(state, [{ type: 'turn.ended', data: { turnId, outcome: 'completed' } }], using).state;
  const again = accept(
    ended,
    [
      { type: 'turn.ended', data: { turnId, outcome: 'failed' } },
      { type: 'turn.interrupted', data: { turnId, reason: 'agent_died' } },
    ],
    using,
  );
  expect(again.facts).toEqual([]);
});

it('TURN5: turn.started told again by a new driver is no news', () => {
  const { state, turnId } = running();
  const again = accept(state, [{ type: 'turn.started', data: { turnId, generation: 1, messageId: 'm1' } }], using);
  expect(again.facts).toEqual([]);
});

it('TURN6: a dead agent leaves its turn interrupted, its tools unknown, its approvals expired; then it can go on', () => {
  const { state, turnId } = running();
  const busy = accept(
    state,
    [
      { type: 'tool.started', data: { toolCallId: 'c', turnId, tool: 'Bash', title: 'make', input: {} } },
      permission('a1', turnId),
    ],
    using,
  ).state;
  const died = accept(busy, [{ type: 'turn.interrupted', data: { turnId, reason: 'agent_died' } }], using);
  expect(types(died)).toEqual(['tool.finished', 'approval.expired', 'turn.interrupted']);
  expect(died.facts[0]).toMatchObject({ data: { outcome: 'unknown' } });
  expect(died.facts[2]).toMatchObject({ data: { tool: 'Bash' } });
  expect(died.approvals).toMatchObject([{ id: 'a1', status: 'expired' }]);
  expect(statusOf(died.state)).toBe('interrupted');
  const resumed = run(died.state, { id: 'r', type: 'turn.resume' });
  expect(resumed.instructions[0]).toMatchObject({ type: 'turn.start', messageId: 'r' });
  expect(statusOf(resumed.state)).toBe('active');
  expect(statusOf(run(died.state, { id: 'd', type: 'turn.discard' }).state)).toBe('active');
  expect(refused(state, { id: 'r', type: 'turn.resume' })).toBe('conflict');
});

it('TURN7: stop is told to the runner once and refused when nothing runs', () => {
  const { state, turnId } = running();
  const stopping = run(state, { id: 's1', type: 'turn.stop' });
  expect(stopping.instructions).toEqual([{ type: 'turn.stop', sessionId: 'session', turnId }]);
  expect(run(stopping.state, { id: 's2', type: 'turn.stop' }).instructions).toEqual([]);
  const stopped = accept(stopping.state, [{ type: 'turn.ended', data: { turnId, outcome: 'stopped' } }], using).state;
  expect(refused(stopped, { id: 's3', type: 'turn.stop' })).toBe('conflict');
});

it('LINK24: stop, resume and discard meet the turn they name and no other', () => {
  const { state, turnId } = running();
  expect(refused(state, { id: 's', type: 'turn.stop', turnId: 'before' })).toBe('conflict');
  expect(refused(state, { id: 's', type: 'turn.stop', turnId })).toBe('accepted');
  const died = accept(state, [{ type: 'turn.interrupted', data: { turnId, reason: 'agent_died' } }], using).state;
  for (const type of ['turn.resume', 'turn.discard'] as const) {
    expect(refused(died, { id: 'r', type, turnId: 'before' })).toBe('conflict');
    expect(refused(died, { id: 'r', type, turnId })).toBe('accepted');
  }
});

it('TURN12: a session that was told to end starts nothing that waits in its queue, and refuses what comes after', () => {
  const { state, turnId } = running();
  const queued = run(state, say('m2')).state;
  const stopping = run(queued, { id: 'e', type: 'session.stop' });
  expect(types(stopping)).toEqual(['session.stopping']);
  expect(run(stopping.state, { id: 'e2', type: 'session.stop' })).toMatchObject({ facts: [], instructions: [] });
  expect(refused(stopping.state, say('m3'))).toBe('session_ended');
  const ended = accept(stopping.state, [{ type: 'turn.ended', data: { turnId, outcome: 'stopped' } }], using);
  expect(ended).toMatchObject({ instructions: [], state: { agent: { turn: null, queue: [{ messageId: 'm2' }] } } });
  const over = accept(ended.state, [{ type: 'session.ended', data: { reason: 'stopped' } }], using).state;
  expect(over).toMatchObject({ stopping: false, end: 'ended', agent: { queue: [{ messageId: 'm2' }] } });
  const died = accept(state, [{ type: 'turn.interrupted', data: { turnId, reason: 'agent_died' } }], using).state;
  const leaving = run(died, { id: 'e', type: 'session.stop' }).state;
  expect(refused(leaving, { id: 'r', type: 'turn.resume' })).toBe('session_ended');
});

it('TURN15: a call of a turn that is over, and the end of one that is not under way, are refused; the rest is kept', () => {
  const { state, turnId } = running();
  const call = (of: string, toolCallId = 'c') =>
    ({ type: 'tool.started', data: { toolCallId, turnId: of, tool: 'Bash', title: 'make', input: {} } }) as const;
  const output = { text: '', bytes: 0, cut: false };
  const finished = { type: 'tool.finished', data: { toolCallId: 'c', outcome: 'succeeded', output } } as const;
  const usage = { type: 'usage', data: { turnId, inputTokens: 1, outputTokens: 1 } } as const;
  const strange = accept(state, [call('another'), finished, permission('a1', 'another'), usage], using);
  expect(types(strange)).toEqual(['usage']);
  expect(strange.refused.map(({ type }) => type)).toEqual(['tool.started', 'tool.finished', 'approval.requested']);
  expect(strange.state.agent).toMatchObject({ tools: {}, approvals: {} });
  // Fenced by an interruption: late words of its process begin nothing.
  const died = accept(
    state,
    [call(turnId), { type: 'turn.interrupted', data: { turnId, reason: 'agent_died' } }],
    using,
  );
  const late = accept(died.state, [finished, call(turnId, 'd'), permission('a1', turnId)], using);
  expect(late).toMatchObject({ facts: [], refused: [{}, {}, {}] });
  // Ended by the agent's own word, its process goes on in the background; another process does not.
  const began = accept(state, [{ type: 'session.started', data: { generation: 1 } }], using).state;
  const ended = accept(began, [{ type: 'turn.ended', data: { turnId, outcome: 'completed' } }], using).state;
  expect(types(accept(ended, [call(turnId), finished], using))).toEqual(['tool.started', 'tool.finished']);
  const next = accept(ended, [{ type: 'session.started', data: { generation: 2 } }, call(turnId)], using);
  expect(types(next)).toEqual(['session.started']);
});

it('APPR1: asked again, it is the same approval', () => {
  const { state, turnId } = running();
  const asked = accept(state, [permission('a1', turnId)], using);
  expect(statusOf(asked.state)).toBe('waiting');
  expect(accept(asked.state, [permission('a1', turnId)], using).facts).toEqual([]);
});

it('APPR2: the first answer wins, the next is told who was first', () => {
  const { state, turnId } = running();
  const asked = accept(state, [permission('a1', turnId)], using).state;
  const command: Command = { id: 'x', type: 'approval.answer', approvalId: 'a1', answer: { decision: 'allow' } };
  const answered = run(asked, command);
  expect(answered.approvals).toMatchObject([{ id: 'a1', status: 'answered', answeredBy: { name: 'Ada' } }]);
  expect(answered.instructions[0]).toMatchObject({ type: 'approval.apply', toolCallId: 'call-a1' });
  const late = decide(answered.state, { ...command, id: 'y' }, using);
  expect(late).toMatchObject({
    ok: false,
    error: { kind: 'already_answered', details: { answeredBy: { name: 'Ada' } } },
  });
});

it('APPR3: only the runner makes it applied, and only after an answer', () => {
  const { state, turnId } = running();
  const asked = accept(state, [permission('a1', turnId)], using).state;
  const applied = { type: 'approval.applied' as const, data: { approvalId: 'a1' } };
  expect(accept(asked, [applied], using).facts).toEqual([]);
  const answered = run(asked, { id: 'x', type: 'approval.answer', approvalId: 'a1', answer: { decision: 'deny' } });
  const done = accept(answered.state, [applied], using);
  expect(done.approvals).toMatchObject([{ status: 'applied' }]);
  expect(done.state.agent?.approvals).toEqual({});
});

it('LINK3: what the runner does not know to be alive is ended or interrupted, unless its start is still on its way', () => {
  expect(reconcile(created(terminalBody).state, null, true, using).facts).toEqual([]);
  const terminal = accept(created(terminalBody).state, [{ type: 'session.started', data: { generation: 1 } }], using);
  const alive = { sessionId: 'session', generation: 1, alive: true, turnId: null };
  expect(reconcile(terminal.state, alive, false, using).facts).toEqual([]);
  expect(types(reconcile(terminal.state, null, false, using))).toEqual(['session.ended']);
  const sent = run(created(agentBody).state, say('m1')).state;
  expect(reconcile(sent, null, true, using).facts).toEqual([]);
  // Once it has begun, a start that nobody called done was done all the same: what it began is gone.
  expect(types(reconcile(terminal.state, null, true, using))).toEqual(['session.ended']);
  for (const startPending of [false, true]) {
    expect(reconcile(running().state, null, startPending, using).facts).toMatchObject([
      { type: 'turn.interrupted', data: { reason: 'runner_lost' } },
    ]);
  }
});

it('LINK3: a process that is there speaks for the turn it is in and for no other', () => {
  const { state, turnId } = running();
  const agent = { sessionId: 'session', generation: 1, alive: true };
  for (const alive of [true, false]) {
    expect(reconcile(state, { ...agent, alive, turnId }, false, using).facts).toEqual([]);
  }
  for (const other of [null, 'another']) {
    expect(types(reconcile(state, { ...agent, turnId: other }, false, using))).toEqual(['turn.interrupted']);
  }
  expect(reconcile(run(created(agentBody).state, say('m')).state, null, true, using).facts).toEqual([]);
});

it('APPR12, TURN16: what was asked or begun after the turn ended outlives it, and ends with its process', () => {
  const { state, turnId } = running();
  const began = accept(state, [{ type: 'session.started', data: { generation: 1 } }], using).state;
  const call = { toolCallId: 'c', turnId, tool: 'Bash', title: 'make', input: {} };
  const after = accept(
    began,
    [
      { type: 'turn.ended', data: { turnId, outcome: 'completed' } },
      { type: 'tool.started', data: call },
      permission('a1', turnId),
    ],
    using,
  ).state;
  expect(statusOf(after)).toBe('waiting');
  const agent = { sessionId: 'session', generation: 1, turnId: null };
  for (const alive of [true, false]) expect(reconcile(after, { ...agent, alive }, false, using).facts).toEqual([]);
  const answer: Command = { id: 'x', type: 'approval.answer', approvalId: 'a1', answer: { decision: 'allow' } };
  expect(run(after, answer).instructions).toHaveLength(1);
  const gone = reconcile(after, null, false, using);
  expect(types(gone)).toEqual(['tool.finished', 'approval.expired']);
  expect(gone).toMatchObject({ approvals: [{ status: 'expired' }], state: { agent: { tools: {}, approvals: {} } } });
  expect(reconcile(gone.state, null, false, using).facts).toEqual([]);
  const another = accept(after, [{ type: 'session.started', data: { generation: 2 } }], using);
  expect(types(another)).toEqual(['tool.finished', 'approval.expired', 'session.started']);
  const ended = accept(after, [{ type: 'session.ended', data: { reason: 'stopped' } }], using);
  expect(types(ended)).toEqual(['tool.finished', 'approval.expired', 'session.ended']);
});

const ownTurn = (turnId: string, generation = 1) =>
  ({
    type: 'turn.started',
    data: { turnId, generation, messageId: turnId, cause: { kind: 'background', title: 'a build ended' } },
  }) as const;
const ended = (turnId: string, outcome: 'completed' | 'stopped' = 'completed') =>
  ({ type: 'turn.ended', data: { turnId, outcome } }) as const;

/** Its process has started and its first turn is over. */
function idle(): SessionState {
  const { state, turnId } = running();
  return accept(state, [{ type: 'session.started', data: { generation: 1 } }, ended(turnId)], using).state;
}

it('TURN17, TURN1: what the agent begins by itself is its turn: it runs, asks, is stopped, ends once, and messages wait', () => {
  const own = accept(idle(), [ownTurn('own'), permission('a1', 'own')], using);
  expect(types(own)).toEqual(['turn.started', 'approval.requested']);
  expect(own.state.agent?.turn).toMatchObject({ turnId: 'own', phase: 'running', generation: 1 });
  expect(accept(own.state, [ownTurn('own')], using).facts).toEqual([]);
  const sent = run(own.state, say('m2'));
  expect(sent.instructions).toEqual([]);
  const stopping = run(sent.state, { id: 's', type: 'turn.stop', turnId: 'own' });
  expect(stopping.instructions).toEqual([{ type: 'turn.stop', sessionId: 'session', turnId: 'own' }]);
  const over = accept(stopping.state, [ended('own', 'stopped'), ended('own')], using);
  expect(types(over)).toEqual(['approval.expired', 'turn.ended', 'queue.changed']);
  expect(over.instructions).toMatchObject([{ type: 'turn.start', messageId: 'm2' }]);
  expect(accept(over.state, [ownTurn('own')], using).facts).toEqual([]);
});

it('TURN18: a message on its way stands behind the turn the agent began by itself, and is next, once, however that ends', () => {
  const sent = run(idle(), say('m2'));
  const turnId = sent.state.agent?.turn?.turnId ?? '';
  const own = accept(sent.state, [ownTurn('own')], using);
  expect(own.state.agent).toMatchObject({ turn: { turnId: 'own' }, nextTurn: { turnId, phase: 'dispatched' } });
  const queued = run(own.state, say('m3')).state;
  const died = { type: 'turn.interrupted', data: { turnId: 'own', reason: 'agent_died' } } as const;
  const started = { type: 'turn.started', data: { turnId, generation: 1, messageId: 'm2' } } as const;
  for (const end of [[ended('own')], [died], []]) {
    const next = accept(queued, [...end, started], using);
    expect(next.instructions).toEqual([]);
    expect(types(next)).toEqual([end[0]?.type ?? 'turn.interrupted', 'turn.started']);
    expect(next.state.agent).toMatchObject({ turn: { turnId, phase: 'running' }, nextTurn: null });
    expect(accept(next.state, [ended(turnId)], using).instructions).toMatchObject([{ messageId: 'm3' }]);
  }
  // Stopped on its way, before the runner said that the agent had begun by itself.
  const stopped = accept(queued, [ended(turnId, 'stopped')], using);
  expect(stopped.state.agent).toMatchObject({ turn: { turnId: 'own' }, nextTurn: null });
  expect(stopped.overTurns).toEqual([turnId]);
  // All of it ends with the session.
  const over = accept(queued, [{ type: 'session.ended', data: { reason: 'stopped' } }], using);
  expect(over.overTurns).toEqual(['own', turnId]);
});

it('TURN18, TURN15: the agent begins no turn of its own in one that runs, after its process, or in a session that ends', () => {
  const { state } = running();
  const began = accept(state, [{ type: 'session.started', data: { generation: 1 } }], using).state;
  const stopping = run(idle(), { id: 'e', type: 'session.stop' }).state;
  for (const [before, fact] of [
    [began, ownTurn('own')],
    [idle(), ownTurn('own', 2)],
    [stopping, ownTurn('own')],
  ] as const) {
    expect(accept(before, [fact], using)).toMatchObject({ facts: [], refused: [{ type: 'turn.started' }] });
  }
});

it('TURN14: a turn the agent began by itself goes on while its process is there, and the message behind it outlives both', () => {
  const own = accept(run(idle(), say('m2')).state, [ownTurn('own')], using).state;
  const item = { sessionId: 'session', generation: 1, alive: true, turnId: null };
  expect(reconcile(own, item, true, using).facts).toEqual([]);
  for (const other of [null, { ...item, generation: 2 }]) {
    const lost = reconcile(own, other, true, using);
    expect(types(lost)).toEqual(['turn.interrupted']);
    expect(lost.state.agent).toMatchObject({ turn: { messageId: 'm2' }, nextTurn: null, interruptedTurnId: null });
  }
  expect(types(reconcile(own, null, false, using))).toEqual(['turn.interrupted', 'turn.interrupted']);
});

it('APPR12, TURN16: what a sub-agent asks in the background outlives the turns that end meanwhile, and not its process', () => {
  const { state, turnId } = running();
  const call = (toolCallId: string, of: string, parentToolCallId?: string) =>
    ({
      type: 'tool.started',
      data: { toolCallId, turnId: of, tool: 'x', title: 'x', input: {}, ...(parentToolCallId && { parentToolCallId }) },
    }) as const;
  const output = { text: '', bytes: 0, cut: false };
  const returned = { type: 'tool.finished', data: { toolCallId: 'agent', outcome: 'succeeded', output } } as const;
  const asks = [call('call-a1', turnId, 'agent'), permission('a1', turnId)];
  const launched = [{ type: 'session.started', data: { generation: 1 } }, call('agent', turnId)] as const;
  const asked = accept(state, [...launched, returned, ...asks, ended(turnId)], using);
  expect(types(asked).slice(-2)).toEqual(['approval.requested', 'turn.ended']);
  const next = run(asked.state, say('m2')).state;
  const second = next.agent?.turn?.turnId ?? '';
  const after = accept(
    next,
    [{ type: 'turn.started', data: { turnId: second, generation: 1, messageId: 'm2' } }, ended(second)],
    using,
  );
  expect(types(after)).toEqual(['turn.started', 'turn.ended']);
  expect(statusOf(after.state)).toBe('waiting');
  expect(Object.keys(after.state.agent?.tools ?? {})).toEqual(['call-a1']);
  expect(types(reconcile(after.state, null, false, using))).toEqual(['tool.finished', 'approval.expired']);
  // In the foreground the turn waits for it: with the turn it is over.
  const within = accept(state, [...launched, ...asks, ended(turnId)], using);
  expect(types(within).slice(-4)).toEqual(['tool.finished', 'tool.finished', 'approval.expired', 'turn.ended']);
});

it('LINK22: what was begun is not begun again because nobody knows that its start is done', () => {
  const terminal = accept(created(terminalBody).state, [{ type: 'session.started', data: { generation: 1 } }], using);
  expect(types(reconcile(terminal.state, null, true, using))).toEqual(['session.ended']);
  const { state, turnId } = running();
  const lost = reconcile(state, null, true, using);
  expect(types(lost)).toEqual(['turn.interrupted']);
  expect(lost.overTurns).toEqual([turnId]);
});

it('LINK21: a decision names the turns that end with it, however they end', () => {
  const { state, turnId } = running();
  const ended = accept(state, [{ type: 'turn.ended', data: { turnId, outcome: 'completed' } }], using);
  expect(ended.overTurns).toEqual([turnId]);
  const died = accept(state, [{ type: 'turn.interrupted', data: { turnId, reason: 'agent_died' } }], using);
  expect(died.overTurns).toEqual([turnId]);
  expect(accept(state, [{ type: 'session.ended', data: { reason: 'lost' } }], using).overTurns).toEqual([turnId]);
  expect(run(died.state, { id: 'd', type: 'turn.discard' }).overTurns).toEqual([]);
  expect(accept(state, [permission('a1', turnId)], using).overTurns).toEqual([]);
});

it('TERM2: after the end only the title changes; commands are refused as session_ended', () => {
  const ended = fold([...created(terminalBody).facts, { type: 'session.ended', data: { reason: 'exited' } }]);
  expect(refused(ended, { id: 'w', type: 'terminal.write', data: 'x' })).toBe('session_ended');
  expect(refused(ended, { id: 't', type: 'session.rename', title: 'new' })).toBe('accepted');
  expect(accept(ended, [{ type: 'session.started', data: { generation: 2 } }], using).facts).toEqual([]);
});

it('WIRE1: a command of the other kind is refused', () => {
  expect(refused(created(terminalBody).state, say('m'))).toBe('bad_request');
  expect(refused(created(agentBody).state, { id: 'w', type: 'terminal.write', data: 'x' })).toBe('bad_request');
});

it('UPLOAD9: what is attached goes with its message to the log, through the queue and its edits, and to the agent', () => {
  const attachments = [{ uploadId: 'u1', name: 'a.png', mediaType: 'image/png', size: 3 }];
  const first = run(created(agentBody).state, { ...say('m0'), attachments } as Command);
  expect(first.facts[0]).toMatchObject({ type: 'message.user', data: { messageId: 'm0', attachments } });
  expect(first.instructions[0]).toMatchObject({ type: 'turn.start', messageId: 'm0', attachments });
  const { state, turnId } = running();
  const queued = run(state, { ...say('m2'), attachments } as Command);
  expect(queued.facts[0]).toMatchObject({ type: 'message.user', data: { turnId: null, attachments } });
  const edited = run(queued.state, { id: 'e', type: 'queue.edit', messageId: 'm2', text: 'better' });
  const ended = accept(edited.state, [{ type: 'turn.ended', data: { turnId, outcome: 'completed' } }], using);
  expect(ended.instructions[0]).toMatchObject({ type: 'turn.start', messageId: 'm2', text: 'better', attachments });
  // A message without any has no such field: what older logs hold reads the same.
  expect(run(created(agentBody).state, say('m0')).instructions[0]).not.toHaveProperty('attachments');
});
