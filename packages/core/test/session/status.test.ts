import type { SessionStatus } from '@holdfast/protocol/session.ts';
import { expect, it } from 'vitest';
import { accept } from '../../src/session/accept.ts';
import { decide } from '../../src/session/decide.ts';
import { type Attended, shownStatus } from '../../src/session/status.ts';
import { agentBody, context, created, terminalBody } from './fixtures.ts';

const using = context();
const attendances: readonly Attended[] = ['now', 'before', 'never'];

it('SESSION4, SESSION5: suspended is what lives, has nothing under way, and was left by all', () => {
  const shown = (state: Parameters<typeof shownStatus>[0]): SessionStatus[] =>
    attendances.map((attended) => shownStatus(state, attended));
  const shell = created(terminalBody).state;
  expect(shown(shell)).toEqual(['creating', 'creating', 'creating']);
  const running = accept(shell, [{ type: 'session.started', data: { generation: 1 } }], using).state;
  expect(shown(running)).toEqual(['active', 'suspended', 'active']);
  // After a restart nobody remembers who was there: the log does.
  const driven = decide(running, { id: 'd', type: 'driver.take', clientId: 'c' }, using);
  expect(driven.ok && shown(driven.value.state)).toEqual(['active', 'suspended', 'suspended']);
  const ended = accept(running, [{ type: 'session.ended', data: { reason: 'exited' } }], using).state;
  expect(shown(ended)).toEqual(['ended', 'ended', 'ended']);

  const agent = created(agentBody).state;
  expect(shown(agent)).toEqual(['active', 'suspended', 'active']);
  const working = decide(agent, { id: 'm', type: 'message.send', text: 'go' }, using);
  expect(working.ok && shown(working.value.state)).toEqual(['active', 'active', 'active']);
});
