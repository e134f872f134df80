import { placeOf } from '../../src/client/place.ts';
import { expect, it } from 'vitest';

it('CLI11: what is begun without a word on where is begun where the person is, also through npm', () => {
  expect(placeOf({}, '/here')).toBe('/here');
  expect(placeOf({ npm_lifecycle_event: 'holdfast', INIT_CWD: '/there' }, '/checkout')).toBe('/there');
  // Left by another script of npm, from which this shell was started.
  expect(placeOf({ npm_lifecycle_event: 'start', INIT_CWD: '/there' }, '/here')).toBe('/here');
});
