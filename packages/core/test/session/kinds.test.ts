import { sessionKindSchema } from '@holdfast/protocol/session.ts';
import { expect, it } from 'vitest';
import { create } from '../../src/session/decide.ts';
import { kinds } from '../../src/session/kinds.ts';
import { statusOf } from '../../src/session/status.ts';
import { agentBody, context, created, terminalBody } from './fixtures.ts';

it('SESSION1: the table has every kind of the wire and no other; each makes a session of its own kind', () => {
  expect(Object.keys(kinds).sort()).toEqual([...sessionKindSchema.options].sort());
  const parts = [terminalBody, agentBody].map((body) => {
    const { kind, terminal, agent } = created(body).state;
    return [kind, terminal !== null, agent !== null];
  });
  expect(parts).toEqual([
    ['terminal', true, false],
    ['agent', false, true],
  ]);
});

it('SESSION2: what is left out has the default of its kind, in the log and in the state', () => {
  const terminal = created(terminalBody);
  expect(terminal.facts[0]).toMatchObject({ data: { terminal: { cols: 80, rows: 24 } } });
  expect(terminal.state.terminal).toMatchObject({ cols: 80, rows: 24 });
  expect(statusOf(terminal.state)).toBe('creating');
  const wide = created({ ...terminalBody, terminal: { cols: 132 } });
  expect(wide.state.terminal).toMatchObject({ cols: 132, rows: 24 });
  const agent = created(agentBody);
  expect(agent.facts[0]).toMatchObject({ data: { agent: { provider: 'claude', mode: 'agent' } } });
  expect(agent.state.agent).toMatchObject({ mode: 'agent', model: null });
  expect(statusOf(agent.state)).toBe('active');
  expect(kinds.terminal.title(terminalBody, 'shop')).toBe('Terminal in shop');
  expect(kinds.agent.title(agentBody, 'shop')).toBe('claude in shop');
  const prompted = { ...agentBody, agent: { provider: 'claude', prompt: `\n ${'x'.repeat(100)}\nmore` } };
  expect(kinds.agent.title(prompted, 'shop')).toBe('x'.repeat(80));
});

it('SESSION2: what a kind needs and does not get is refused; what is for another kind is left out', () => {
  expect(create({ kind: 'agent', workspaceId: 'w' }, 'title', 'm', context())).toMatchObject({
    ok: false,
    error: { kind: 'bad_request' },
  });
  const both = created({ ...terminalBody, agent: { provider: 'claude', prompt: 'begin' } });
  expect(both.facts).toHaveLength(1);
  expect(both.instructions.map(({ type }) => type)).toEqual(['terminal.start']);
});
