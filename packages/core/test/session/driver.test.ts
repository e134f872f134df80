import type { Actor } from '@holdfast/protocol/approval.ts';
import type { Command } from '@holdfast/protocol/command.ts';
import type { Driver } from '@holdfast/protocol/presence.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { expect, it } from 'vitest';
import { accept, releaseDriver } from '../../src/session/accept.ts';
import { decide } from '../../src/session/decide.ts';
import { stateFrom } from '../../src/session/state.ts';
import { context, created, fold, terminalBody, types } from './fixtures.ts';

const ada: Actor = { kind: 'user', id: 'ada', name: 'Ada', device: 'laptop' };
const eve: Actor = { kind: 'user', id: 'eve', name: 'Eve', device: 'elsewhere' };
const phone: Driver = { ...ada, device: 'phone', clientId: 'phone' };

const open = (): SessionState =>
  accept(created(terminalBody).state, [{ type: 'session.started', data: { generation: 1 } }], context()).state;

function ask(state: SessionState, command: Record<string, unknown>, actor = ada, attached: readonly Driver[] = []) {
  const find = (id: string): Driver | null => attached.find(({ clientId }) => clientId === id) ?? null;
  return decide(state, { id: 'c', ...command } as Command, { ...context(), actor, attached: find });
}

function after(...parameters: Parameters<typeof ask>): SessionState {
  const result = ask(...parameters);
  if (!result.ok) throw new Error(result.error.message);
  return result.value.state;
}

const take = (clientId: string, from?: string | null) => ({
  type: 'driver.take',
  clientId,
  ...(from === undefined ? {} : { from }),
});
const resize = (clientId?: string) => ({ type: 'terminal.resize', cols: 100, rows: 30, ...(clientId && { clientId }) });

it('PRESENCE5: of two who take what they saw free one drives, the other is told who', () => {
  const first = after(open(), take('laptop', null));
  expect(first.driver).toEqual({ ...ada, clientId: 'laptop' });
  const second = ask(first, take('phone', null));
  expect(second).toMatchObject({ ok: false, error: { kind: 'conflict', details: { driver: { clientId: 'laptop' } } } });
  expect(after(first, take('phone', 'laptop')).driver?.clientId).toBe('phone');
  expect(ask(first, take('phone', 'tablet'))).toMatchObject({ ok: false, error: { kind: 'conflict' } });
});

it('PRESENCE5: who does not say from whom takes it at once; who drives already changes nothing', () => {
  const state = after(open(), take('laptop'));
  expect(after(state, take('phone')).driver?.clientId).toBe('phone');
  const again = ask(state, take('laptop', null));
  expect(again.ok && types(again.value)).toEqual([]);
});

it('PRESENCE6: only the driver sizes; while nobody drives anybody does', () => {
  expect(ask(open(), resize())).toMatchObject({ value: { instructions: [{ cols: 100, rows: 30 }] } });
  expect(ask(open(), resize('laptop')).ok).toBe(true);
  const state = after(open(), take('laptop'));
  expect(ask(state, resize('laptop'))).toMatchObject({
    value: { instructions: [{ type: 'terminal.resize', sessionId: 'session', cols: 100, rows: 30 }] },
  });
  for (const other of [resize('phone'), resize()]) {
    expect(ask(state, other)).toMatchObject({
      ok: false,
      error: { kind: 'conflict', message: 'laptop drives this terminal.', details: { driver: { device: 'laptop' } } },
    });
  }
});

it('PRESENCE4: an id somebody else uses is somebody else', () => {
  const state = after(open(), take('laptop'));
  expect(ask(state, resize('laptop'), eve)).toMatchObject({ ok: false, error: { kind: 'conflict' } });
  expect(ask(state, { type: 'driver.give', clientId: 'laptop', to: 'phone' }, eve, [phone]).ok).toBe(false);
  expect(after(state, take('laptop'), eve).driver).toMatchObject({ id: 'eve', clientId: 'laptop' });
});

it('PRESENCE7: a driver hands over to one who is attached, and to nobody else', () => {
  const state = after(open(), take('laptop'));
  const give = { type: 'driver.give', clientId: 'laptop', to: 'phone' };
  expect(after(state, give, ada, [phone]).driver).toEqual(phone);
  expect(ask(state, give, ada)).toMatchObject({ ok: false, error: { kind: 'conflict' } });
  expect(ask(state, { ...give, clientId: 'tablet' }, ada, [phone])).toMatchObject({ ok: false });
  expect(ask(open(), give, ada, [phone])).toMatchObject({ ok: false });
});

it('PRESENCE8: released is only who still drives', () => {
  const driver: Driver = { ...ada, clientId: 'laptop' };
  const state = after(open(), take('laptop'));
  const released = releaseDriver(state, driver, context());
  expect(released.facts).toEqual([{ type: 'driver.changed', data: { driver: null } }]);
  expect(released.state).toMatchObject({ driver: null, everDriven: true });
  expect(releaseDriver(after(state, take('phone')), driver, context()).facts).toEqual([]);
  expect(releaseDriver(state, null, context()).facts).toEqual([]);
  const ended = accept(state, [{ type: 'session.ended', data: { reason: 'exited' } }], context()).state;
  expect(releaseDriver(ended, driver, context()).facts).toEqual([]);
});

it('PRESENCE9: a key from another device than the driver’s is a key', () => {
  const state = after(open(), take('laptop'));
  expect(ask(state, { type: 'terminal.write', data: 'ls\r' }, { ...ada, device: 'phone' }).ok).toBe(true);
});

it('WIRE1: an agent has no driver', () => {
  const agent = created({ kind: 'agent', workspaceId: 'w', agent: { provider: 'demo' } }).state;
  expect(ask(agent, take('laptop'))).toMatchObject({ ok: false, error: { kind: 'bad_request' } });
  expect(fold([...created(terminalBody).facts]).everDriven).toBe(false);
});

it('LOG9: a state that an older build kept is read as one that nobody drives', () => {
  const { driver: _driver, everDriven: _everDriven, ...older } = open();
  expect(stateFrom(JSON.parse(JSON.stringify(older)))).toEqual(open());
});
