import { expect, it } from 'vitest';
import { parseInvocation } from '../src/arguments.ts';

it('OPS9: every command is read, and what is wrong is said with the usage', () => {
  expect(parseInvocation(['serve'])).toEqual({ command: 'serve' });
  expect(parseInvocation(['stop'])).toEqual({ command: 'stop', all: false });
  expect(parseInvocation(['stop', '--all'])).toEqual({ command: 'stop', all: true });
  expect(parseInvocation(['key', 'create', '--label', 'a b'])).toEqual({ command: 'key create', label: 'a b' });
  const server = 'https://holdfast.example.org';
  expect(parseInvocation(['runner', '--server', server])).toEqual({ command: 'runner', server, key: null, name: null });
  expect(parseInvocation(['runner', '--server', server, '--key', 'k', '--name', 'den'])).toEqual({
    command: 'runner',
    server,
    key: 'k',
    name: 'den',
  });
  expect(() => parseInvocation(['runner'])).toThrow(/--server/);
  expect(() => parseInvocation(['serve', '--server', server])).toThrow(/Usage:/);
  expect(parseInvocation([])).toEqual({ command: 'help' });
  expect(parseInvocation(['stop', '-h'])).toEqual({ command: 'help' });
  expect(() => parseInvocation(['fly'])).toThrow(/no command "fly"[^]*Usage:/);
  expect(() => parseInvocation(['serve', '--all'])).toThrow(/Usage:/);
  expect(() => parseInvocation(['serve', '--loud'])).toThrow(/--loud/);
  expect(() => parseInvocation(['key', 'create'])).toThrow(/--label/);
});
