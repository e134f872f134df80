import { expect, it } from 'vitest';
import { portionSize, portions } from '../../src/socket/portions.ts';

it('LINK18: what is sent at once goes in messages of at most 64 KiB, in order; what is larger goes alone', () => {
  const text = (size: number): string => 'x'.repeat(size);
  expect(portions([])).toEqual([]);
  expect(portions(['a', 'b'])).toEqual([['a', 'b']]);
  const halves = [text(portionSize / 2 - 2), text(portionSize / 2 - 2)];
  expect(portions([...halves, 'c'])).toEqual([halves, ['c']]);
  const large = text(2 * portionSize);
  expect(portions(['a', large, 'b'])).toEqual([['a'], [large], ['b']]);
  const many = Array.from({ length: 1_000 }, (_, index) => text(index));
  expect(portions(many).flat()).toEqual(many);
  expect(portions(many).length).toBeGreaterThan(7);
});
