import { expect, it } from 'vitest';
import { choose, isWholeId, shortIds } from '../../src/client/choose.ts';

const sessions = [
  { id: 'abc1', title: 'Fix login' },
  { id: 'abc2', title: 'Fix login' },
  { id: 'abc', title: 'abd' },
  { id: 'abd9', title: 'Deploy' },
];
const chosen = (text: string): string => {
  const result = choose(sessions, text, 'session');
  return result.ok ? result.value.id : `${result.error.kind}: ${result.error.message}`;
};

it('CLI7: a session is its id, the beginning of one, or a title; what fits several is asked back with them', () => {
  expect(chosen('abc')).toBe('abc');
  expect(chosen('abc2')).toBe('abc2');
  expect(chosen('abd9')).toBe('abd9');
  expect(chosen('Deploy')).toBe('abd9');
  expect(chosen('Deplo')).toBe('not_found: There is no session "Deplo".');
  expect(chosen('')).toBe('not_found: There is no session "".');
  expect(chosen('Fix login')).toBe(
    'bad_request: "Fix login" could be 2 sessions; say which:\n  abc1  Fix login\n  abc2  Fix login',
  );
  // The beginning of one and the title of another.
  expect(chosen('abd')).toMatch(/could be 2 sessions/);
});

it('CLI7: ids are shown as short as tells them apart', () => {
  expect(isWholeId('8a3b9436-5068-48a0-9649-3cbc16a88167')).toBe(true);
  expect(isWholeId('8a3b9436')).toBe(false);
  const short = shortIds(['aaaaaaaaaa1', 'aaaaaaaaaa2', 'b']);
  expect([short('aaaaaaaaaa1'), short('aaaaaaaaaa2'), short('b')]).toEqual(['aaaaaaaaaa1', 'aaaaaaaaaa2', 'b']);
  expect(shortIds(['0123456789', 'a123456789'])('0123456789')).toBe('01234567');
});
