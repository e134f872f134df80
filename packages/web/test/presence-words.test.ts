import { expect, it } from 'vitest';
import type { Attendee } from '@holdfast/protocol/presence.ts';
import { driverWords, presenceWords } from '#lib/session/presence-words.ts';

const self = { clientId: 'tab', userId: 'u' };
const one = (clientId: string, device: string, userId = 'u'): Attendee => ({
  ...{ clientId, userId, device, name: userId === 'u' ? 'Ada' : 'Eve' },
  ...{ since: '2026-01-01T00:00:00.000Z', drives: false },
});

it('PRESENCE2: this page comes first, one’s own devices by their name, others with theirs', () => {
  const people = [one('p', 'Chrome on Android'), one('tab', 'Firefox on Linux'), one('tab', 'Safari on Mac', 'e')];
  expect(presenceWords({ people, more: 0 }, self)).toBe('You, Chrome on Android, Eve, Safari on Mac');
  const crowd = [...people, one('q', 'curl')];
  expect(presenceWords({ people: crowd, more: 7 }, self)).toMatch(/^You, Chrome on Android, .* and 8 more$/);
});

it('PRESENCE5: who drives is named as in the list', () => {
  const ada = { kind: 'user' as const, id: 'u', name: 'Ada' };
  expect(driverWords({ ...ada, device: 'Chrome on Android', clientId: 'p' }, self)).toBe('Chrome on Android');
  expect(driverWords({ ...ada, clientId: 'tab' }, self)).toBe('You');
  expect(driverWords({ kind: 'user', id: 'e', clientId: 'x' }, self)).toBe('Somebody, another device');
});
