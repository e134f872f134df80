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

it('OPS9: commands that ask a server are read with their options, and no others', () => {
  const where = { server: null, key: null };
  expect(parseInvocation(['ls', '--json'])).toEqual({ command: 'ls', all: false, json: true, where });
  expect(parseInvocation(['send', 's', 'two', 'words', '--wait', '--key', 'k'])).toEqual({
    ...{ command: 'send', session: 's', text: 'two words', wait: true },
    where: { server: null, key: 'k' },
  });
  expect(parseInvocation(['--server', 'http://x', 'send', 's', '-'])).toMatchObject({
    text: null,
    where: { server: 'http://x' },
  });
  expect(parseInvocation(['send', 's', '--', '--not-an-option'])).toMatchObject({ text: '--not-an-option' });
  expect(parseInvocation(['stop', 's', '--end'])).toMatchObject({ command: 'stop session', session: 's', end: true });
  expect(parseInvocation(['new', '--agent', 'demo', 'do', 'it'])).toMatchObject({ agent: 'demo', prompt: 'do it' });
  expect(parseInvocation(['deny', 'a', 'not', 'on', 'main'])).toMatchObject({ approval: 'a', feedback: 'not on main' });
  expect(parseInvocation(['outbox', 'retry', 'x'])).toMatchObject({ command: 'outbox retry', id: 'x' });
  expect(parseInvocation(['send', '--help'])).toEqual({ command: 'help' });
  const wrong = [
    ['send', 's'],
    ['ls', 'x'],
    ['logs'],
    ['outbox', 'burn', 'x'],
    ['ls', '--wait'],
    ['stop', 's', '--all'],
    ['new', '--loud'],
  ];
  for (const argv of wrong) expect(() => parseInvocation(argv), argv.join(' ')).toThrow(/Usage:/);
});
