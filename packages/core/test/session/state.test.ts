import { expect, it } from 'vitest';
import { sessionStateSchema } from '@holdfast/protocol/session-state.ts';
import { noUsage, stateFrom } from '../../src/session/state.ts';
import { statusOf } from '../../src/session/status.ts';
import { agentBody, created, terminalBody } from './fixtures.ts';

/** As the first build kept them. */
const firstAgent = {
  kind: 'agent',
  title: 'Fix it',
  generation: 2,
  end: 'none',
  terminal: null,
  agent: {
    provider: 'claude',
    model: null,
    mode: 'agent',
    conversationId: 'c',
    turn: { turnId: 't', messageId: 'm', generation: 2, phase: 'running', since: '2026-01-01T00:00:00.000Z' },
    interruptedTurnId: null,
    queue: [{ messageId: 'n', text: 'and then' }],
    approvals: {},
    tools: { call: { tool: 'Bash', turnId: 't' } },
  },
};
const firstTerminal = {
  kind: 'terminal',
  title: 'shell',
  generation: 1,
  end: 'none',
  terminal: { options: { env: { TOKEN: 'secret' } }, cols: 100, rows: 30, exit: null },
  agent: null,
};

it('LOG16: a state that an older build kept is read, and what it did not know yet is as never told', () => {
  const agent = stateFrom(firstAgent);
  expect(agent).toMatchObject({ ...firstAgent, error: null, driver: null });
  expect(agent.agent).toMatchObject({ usage: noUsage, usageOfTurn: null, interruption: null });
  expect(statusOf(agent)).toBe('active');
  const terminal = stateFrom(firstTerminal);
  expect(terminal.terminal).toEqual({ cols: 100, rows: 30, exit: null });
});

it('LOG16: every state there is fits what is sent of it', () => {
  for (const state of [firstAgent, firstTerminal, created(agentBody).state, created(terminalBody).state]) {
    const read = stateFrom(state);
    expect(sessionStateSchema.parse(JSON.parse(JSON.stringify(read)))).toEqual(read);
  }
});
