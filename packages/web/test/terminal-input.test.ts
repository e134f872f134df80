import { describe, expect, it } from 'vitest';
import { noModifiers, rowKeySequence, withModifiers } from '#lib/terminal/keys.ts';
import { answersQueries, isQueryReply, parseOrder } from '@holdfast/core/stream/query-reply.ts';

describe('answers of the emulator', () => {
  it('PAGE6: every answer to a device query is known as one', () => {
    const answers = [
      '\x1b[?1;2c', // DA1
      '\x1b[>0;276;0c', // DA2
      '\x1b[0n', // status
      '\x1b[12;40R', // cursor
      '\x1b[?12;40R',
      '\x1b[?2026;2$y', // mode
      '\x1b[8;24;80t', // size
      '\x1b]11;rgb:ffff/ffff/ffff\x1b\\', // background
      '\x1b]10;rgb:0000/0000/0000\x07',
      '\x1bP1$r0m\x1b\\', // DECRQSS
      '\x1bP>|xterm.js(6.0.0)\x1b\\', // XTVERSION
    ];
    for (const answer of answers) expect(isQueryReply(answer), JSON.stringify(answer)).toBe(true);
  });

  it('PAGE6: what a person types is no answer', () => {
    const typed = [
      'a',
      '\r',
      '\x03',
      '\x1b',
      '\x1b[A',
      '\x1bOA',
      '\x1b[1;5C',
      '\x1b[15~',
      '\x1b[Z',
      '\x1b[200~ls\x1b[201~',
      '\x1bb',
      'é',
      '[0n',
    ];
    for (const keys of typed) expect(isQueryReply(keys), JSON.stringify(keys)).toBe(false);
  });

  it('TERM7: of all pages one answers: the driver’s, else the one that came first', () => {
    const pages = ['a', 'b', 'c'].map((clientId) => ({ clientId, id: 'ada' }));
    // Also with the ids that another person's client may have.
    const clients = [...pages, { clientId: 'a', id: 'bob' }];
    const people = clients.map(({ clientId, id: userId }) => ({ clientId, userId }));
    const answering = (driver: Parameters<typeof answersQueries>[1], there = people) =>
      clients.filter((self) => answersQueries(self, driver, there));
    for (const self of clients) expect(answering({ kind: 'user', ...self })).toEqual([self]);
    expect(answering(null)).toEqual([clients[0]]);
    expect(answering(null, people.slice(2))).toEqual([clients[2]]);
    // One who drives and is away for a moment is not stood in for.
    expect(answering({ kind: 'user', clientId: 'away', id: 'ada' })).toEqual([]);
    // Alone, before anybody has told who is there.
    expect(answersQueries({ clientId: 'a', id: 'ada' }, null, [])).toBe(true);
  });

  it('PAGE6: only the block under the parser counts as replayed', () => {
    const order = parseOrder();
    expect(order.replaying()).toBe(false);
    order.written(true);
    order.written(false);
    expect(order.replaying()).toBe(true);
    order.parsed();
    expect(order.replaying()).toBe(false);
    order.written(true);
    expect(order.replaying(), 'a replay waiting behind live output').toBe(false);
    order.parsed();
    expect(order.replaying()).toBe(true);
  });
});

describe('the key row of a phone', () => {
  it('PAGE7: keys send what a keyboard sends', () => {
    expect(rowKeySequence('escape', noModifiers, false)).toBe('\x1b');
    expect(rowKeySequence('tab', noModifiers, false)).toBe('\t');
    expect(rowKeySequence('up', noModifiers, false)).toBe('\x1b[A');
    expect(rowKeySequence('up', noModifiers, true), 'a program asked for application cursor keys').toBe('\x1bOA');
    expect(rowKeySequence('pipe', noModifiers, false)).toBe('|');
  });

  it('PAGE7: sticky modifiers change the next key as held ones would', () => {
    expect(rowKeySequence('left', { control: true, alt: false }, true)).toBe('\x1b[1;5D');
    expect(rowKeySequence('right', { control: false, alt: true }, false)).toBe('\x1b[1;3C');
    expect(withModifiers('c', { control: true, alt: false })).toBe('\x03');
    expect(withModifiers('C', { control: true, alt: false })).toBe('\x03');
    expect(withModifiers('[', { control: true, alt: false })).toBe('\x1b');
    expect(withModifiers(' ', { control: true, alt: false })).toBe('\0');
    expect(withModifiers('b', { control: false, alt: true })).toBe('\x1bb');
    expect(withModifiers('x', { control: true, alt: true })).toBe('\x1b\x18');
    expect(withModifiers('é', { control: true, alt: false })).toBe('é');
    expect(withModifiers('hello', noModifiers)).toBe('hello');
  });
});
