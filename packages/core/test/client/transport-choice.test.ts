import { expect, it } from 'vitest';
import {
  betterFailed,
  betterWays,
  networkChanged,
  newTransportChoice,
  transportOpened,
  transportTimes,
  transports,
  transportsFailed,
  waysToTry,
} from '../../src/client/transport-choice.ts';

const { first, most } = transportTimes.again;

it('LINK10: at first every way is tried, best first, and only those that are allowed', () => {
  expect(waysToTry(newTransportChoice, transports, 0)).toEqual(['websocket', 'polling', 'sse']);
  expect(waysToTry(newTransportChoice, ['polling'], 0)).toEqual(['polling']);
  expect(betterWays(newTransportChoice, transports)).toEqual([]);
});

it('LINK10: for a while it goes straight to the way that opened, then tries the better ones again', () => {
  const choice = transportOpened(newTransportChoice, 'sse', 1_000);
  expect(waysToTry(choice, transports, 1_000 + first - 1)).toEqual(['sse']);
  expect(waysToTry(choice, transports, 1_000 + first)).toEqual(['websocket', 'polling', 'sse']);
  expect(betterWays(choice, transports)).toEqual(['websocket', 'polling']);
  expect(betterWays(transportOpened(choice, 'websocket', 2_000), transports)).toEqual([]);
});

it('LINK10: the way that opened failed too: everything is tried again', () => {
  expect(waysToTry(transportsFailed(), transports, 0)).toEqual([...transports]);
});

it('LINK10: better ways that fail are tried less and less often, up to a bound, until the network is another one', () => {
  let choice = transportOpened(newTransportChoice, 'polling', 0);
  const pauses: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    const at = choice.againAt;
    choice = betterFailed(choice, at);
    pauses.push(choice.againAt - at);
  }
  expect(pauses).toEqual([2 * first, 4 * first, 8 * first, 16 * first, most, most]);
  const changed = networkChanged(choice, 5);
  expect([changed.againAt, changed.pause, changed.opened]).toEqual([5, first, 'polling']);
});

it('LINK10: a reconnection by the same way does not put off the better ones', () => {
  const choice = transportOpened(newTransportChoice, 'sse', 0);
  expect(transportOpened(choice, 'sse', 20_000)).toBe(choice);
});
