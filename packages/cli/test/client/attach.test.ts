import type { Driver } from '@holdfast/protocol/presence.ts';
import { expect, it } from 'vitest';
import { type Driving, type DrivingEffect, type DrivingEvent, stepDriving } from '../../src/client/attach-driving.ts';
import { keysBefore, reconnecting, statusLine } from '../../src/client/attach-screen.ts';

const me = { clientId: 'mine', id: 'u' };
const mine: Driver = { kind: 'user', ...me };
const other: Driver = { kind: 'user', clientId: 'other', id: 'u' };
const small = { cols: 80, rows: 24 };
const large = { cols: 120, rows: 40 };

function after(driver: Driver | null, ...events: DrivingEvent[]): DrivingEffect[] {
  let state: Driving = { me, driver, size: small, taking: false };
  return events.flatMap((event) => {
    const step = stepDriving(state, event);
    ({ state } = step);
    return step.effects;
  });
}

it('CLI13: who attaches to a terminal nobody drives takes it, once, and then sizes it', () => {
  const attached: DrivingEvent = { type: 'attached', take: false };
  expect(after(null, attached, { type: 'key' }, { type: 'driver', driver: mine })).toEqual([
    { type: 'take', from: null },
    { type: 'resize', size: small },
  ]);
  expect(after(mine, attached, { type: 'size', size: large })).toEqual([{ type: 'resize', size: large }]);
  // Released while the connection was away.
  expect(after(null, attached, { type: 'settled' }, attached)).toHaveLength(2);
});

it('CLI13: who watches never sizes it, takes it with --take only, and with the first key once the driver has left', () => {
  const size: DrivingEvent = { type: 'size', size: large };
  expect(after(other, { type: 'attached', take: false }, size, { type: 'key' })).toEqual([]);
  expect(after(other, { type: 'attached', take: true })).toEqual([{ type: 'take', from: 'other' }]);
  expect(after(other, { type: 'driver', driver: null }, size)).toEqual([]);
  expect(after(other, { type: 'driver', driver: null }, { type: 'key' })).toEqual([{ type: 'take', from: null }]);
  expect(after(mine, { type: 'driver', driver: other }, size)).toEqual([]);
  // Somebody else's client of the same name is somebody else.
  expect(after({ ...mine, id: 'v' }, size)).toEqual([]);
});

it('CLI12: the key that detaches is found wherever it stands, and what was typed before it is typed', () => {
  const of = (text: string): [string, boolean] => {
    const { keys, detach } = keysBefore(Buffer.from(text));
    return [Buffer.from(keys).toString(), detach];
  };
  expect(of('ls\r')).toEqual(['ls\r', false]);
  expect(of('ls\r\u001dmore')).toEqual(['ls\r', true]);
  expect(of('\u001b[93;5u')).toEqual(['', true]);
  expect(reconnecting(0)).toBe('Reconnecting');
  expect(reconnecting(3)).toBe('Reconnecting · 3 keys kept');
  expect(statusLine('a\u001b[2Jb', small)).toContain(' ab ');
});
