import { expect, it } from 'vitest';
import { parseInvocation } from '../src/arguments.ts';

it('OPS9: every command is read, and what is wrong is said with the usage', () => {
  expect(parseInvocation(['serve'])).toEqual({ command: 'serve' });
  expect(parseInvocation(['stop'])).toEqual({ command: 'stop', all: false });
  expect(parseInvocation(['stop', '--all'])).toEqual({ command: 'stop', all: true });
  expect(parseInvocation(['key', 'create', '--label', 'a b'])).toEqual({ command: 'key create', label: 'a b' });
  expect(parseInvocation([])).toEqual({ command: 'help' });
  expect(parseInvocation(['stop', '-h'])).toEqual({ command: 'help' });
  expect(() => parseInvocation(['fly'])).toThrow(/no command "fly"[^]*Usage:/);
  expect(() => parseInvocation(['serve', '--all'])).toThrow(/Usage:/);
  expect(() => parseInvocation(['serve', '--loud'])).toThrow(/--loud/);
  expect(() => parseInvocation(['key', 'create'])).toThrow(/--label/);
});
