/** What Claude Code does by itself: turns that nobody sent a message for, and sub-agents that outlive a turn. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { gate } from '@holdfast/testkit/model/gate.ts';
import type { Conversation } from '@holdfast/testkit/model/conversation.ts';
import { says, text, uses, type Reply } from '@holdfast/testkit/model/reply.ts';
import { Session } from './session.ts';

/** Runs until the test lets it end. */
const build = uses('Bash', {
  command: 'until [ -e go ]; do sleep 0.05; done',
  description: 'build',
  run_in_background: true,
});

const isNotified = ({ history }: Conversation): boolean =>
  history.some((entry) => /<task-notification>/.test(entry.text));

/** The first message begins the build; `own` is what the model says in the turn that its end begins; then it echoes. */
function script(own: Reply) {
  let woken = false;
  return (conversation: Conversation): Reply => {
    const { userText, toolResults } = conversation;
    if (toolResults.length > 0) return says(woken ? 'Done.' : 'Started.');
    if (!isNotified(conversation)) return says(build);
    if (woken) return says(`You said: ${userText}`);
    woken = true;
    return own;
  };
}

const texts = (session: Session): string[] => session.of('message.assistant').map((block) => block.text);
const prompts = (session: Session): string[] => session.model.requests.map(({ conversation }) => conversation.userText);

async function startedBuild(own: Reply): Promise<Session> {
  const session = await Session.open(script(own), { mode: 'auto' });
  await session.start();
  await session.send('start');
  await session.fact('turn.ended');
  await session.agent.setModel('haiku');
  return session;
}

it('TURN17, TURN5, TURN7: the end of a command in the background begins a turn that says so; the next driver stops it', async () => {
  await using session = await startedBuild(says(text('Note ', { text: 'never', gate: gate() })));
  expect(session.of('turn.started')).toEqual([]);
  writeFileSync(join(session.workspace, 'go'), '');
  const { turnId, cause } = await session.fact('turn.started');
  expect(cause).toEqual({ kind: 'background', title: 'background command "build" completed (exit code 0)' });
  await eventually(
    'its first words',
    () => session.agent.previews().find((p) => p.turnId === turnId)?.text === 'Note ',
  );
  await session.reattach();
  await session.agent.stopTurn(turnId);
  expect(await session.fact('turn.ended', 2)).toEqual({ turnId, outcome: 'stopped' });
  expect(session.of('message.assistant').at(-1)).toMatchObject({ turnId, text: 'Note ', partial: true });
  await session.send('after');
  expect(await session.fact('turn.ended', 3)).toEqual({ turnId: 't2', outcome: 'completed' });
  expect(session.of('turn.started')).toHaveLength(1);
});

it('TURN17, TURN18: what it asks in a turn of its own is answered; a message meanwhile is not taken, and taken once after', async () => {
  await using session = await startedBuild(says(uses('Bash', { command: 'touch own' })));
  await session.agent.setMode('agent');
  writeFileSync(join(session.workspace, 'go'), '');
  const { approvalId, toolCallId, turnId } = await session.fact('approval.requested');
  expect(session.of('turn.started')).toMatchObject([{ turnId }]);
  const noted = session.meta;
  const message = session.nextTurn('meanwhile');
  session.meta = noted;
  expect(await session.agent.startTurn(message)).toMatchObject({ ok: false, error: { kind: 'conflict' } });
  await session.agent.answer(approvalId, toolCallId, { decision: 'allow' });
  expect(await session.fact('turn.ended', 2)).toEqual({ turnId, outcome: 'completed' });
  expect(existsSync(join(session.workspace, 'own'))).toBe(true);
  expect(await session.agent.startTurn(message)).toMatchObject({ ok: true });
  await session.fact('turn.ended', 3);
  expect(texts(session)).toEqual(['Started.', 'Done.', 'You said: meanwhile']);
  expect(prompts(session).filter((words) => words === 'meanwhile')).toHaveLength(1);
});

it('TURN19, TURN18: a message that Claude Code has queued behind work of its own is stopped once, and the next one goes', async () => {
  await using session = await startedBuild(says(text('Note ', { text: 'never', gate: gate() })));
  // The runner dies when it has noted the message and not handed it over; meanwhile the agent begins by itself.
  const message = session.nextTurn('queued');
  await session.leave();
  writeFileSync(join(session.workspace, 'go'), '');
  await eventually('its own turn', () => session.model.requests.length === 3);
  await session.reattach();
  await session.agent.startTurn(message);
  await eventually('queued', async () =>
    /"state":"queued"/.test((await session.said()).split('task_notification').at(-1) ?? ''),
  );
  await session.agent.stopTurn('t2');
  expect(await session.fact('turn.ended', 2)).toEqual({ turnId: 't2', outcome: 'stopped' });
  await eventually('the cut words', () => session.of('message.assistant').at(-1)?.partial === true);
  await session.reattach();
  // Delivered again, for its end was not known to be stored: it is not handed over again.
  await session.agent.startTurn(message);
  await session.send('after');
  expect(await session.fact('turn.ended', 3)).toEqual({ turnId: 't3', outcome: 'completed' });
  expect(session.of('turn.started')).toEqual([]);
  expect(prompts(session)).not.toContain('queued');
  expect(texts(session).at(-1)).toBe('You said: after');
});

it('APPR12: what a sub-agent asks in the background stays open when the next turn ends, and its end begins a turn', async () => {
  const child = uses('Agent', {
    description: 'look',
    prompt: 'child work',
    subagent_type: 'general-purpose',
    run_in_background: true,
  });
  await using session = await Session.open((conversation) => {
    const { userText, toolResults } = conversation;
    if (userText === 'child work')
      return says(toolResults.length > 0 ? 'Child done.' : uses('Bash', { command: 'touch child' }));
    if (toolResults.length > 0) return says('Started.');
    return userText === 'start' && !isNotified(conversation) ? says(child) : says('Fine.');
  });
  await session.start();
  await session.send('start');
  const { approvalId, toolCallId } = await session.fact('approval.requested');
  await session.fact('turn.ended');
  await session.send('next');
  await session.fact('turn.ended', 2);
  expect(session.of('approval.expired')).toEqual([]);
  session.meta = { ...session.meta, turn: null, lastTurnId: 't2' };
  await session.reattach();
  await eventually('it is known to go on', () => session.agent.isBusy?.());
  await session.agent.answer(approvalId, toolCallId, { decision: 'allow' });
  const { turnId, cause } = await session.fact('turn.started');
  expect(cause).toEqual({ kind: 'background', title: 'the sub-agent “look” has completed its task' });
  expect(await session.fact('turn.ended', 3)).toEqual({ turnId, outcome: 'completed' });
  expect(session.of('approval.applied')).toEqual([{ approvalId }]);
  expect(session.of('tool.finished').at(-1)).toMatchObject({ toolCallId, outcome: 'succeeded' });
  expect(existsSync(join(session.workspace, 'child'))).toBe(true);
});
