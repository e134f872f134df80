import fc from 'fast-check';
import type { Fact } from '@holdfast/protocol/fact.ts';
import { expect, it } from 'vitest';
import { factLines } from '../../src/client/fact-lines.ts';
import { plain, plainLine, table } from '../../src/client/output.ts';
import { PlainStream } from '../../src/client/plain-stream.ts';

const tricks = '\u001b]0;title\u0007\u001b[31mred\u001b[0m \u001bcreset\r\u0008\u009b2Jx \u202egnp.exe\tend\n';

it('CLI8: nothing of what others wrote reaches the terminal but text', () => {
  expect(plain(tricks)).toBe('red resetx gnp.exe\tend\n');
  const facts = [
    { seq: 1, at: tricks, type: 'message.user', data: { messageId: 'm', turnId: 't', text: tricks } },
    {
      seq: 2,
      at: tricks,
      type: 'tool.started',
      data: { toolCallId: 'c', turnId: 't', tool: tricks, title: tricks, input: {} },
    },
    { seq: 3, at: tricks, type: 'turn.notice', data: { turnId: 't', level: 'info', text: tricks } },
    {
      seq: 4,
      at: tricks,
      type: 'turn.started',
      data: { turnId: 'o', generation: 1, messageId: 'o', cause: { kind: 'background', title: tricks } },
    },
  ] as unknown as Fact[];
  const shown = facts.flatMap(factLines).join('');
  expect(shown.match(/gnp\.exe/g)).toHaveLength(6);
  // eslint-disable-next-line no-control-regex -- these are what must not be there
  expect(shown).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
  const harmless = (text: string): boolean => !/[^\P{Cc}\n\t]/u.test(plain(text)) && !/\p{Cc}/u.test(plainLine(text));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), harmless));
  // In linear time: what was tried to make it slow takes milliseconds.
  for (const part of ['\u001b]', '\u001b[;', '\u009b', '\u001b[1;', '\u001b]8;;x']) {
    expect(harmless(part.repeat(5_000))).toBe(true);
  }
});

it('CLI8: terminal output in any portions gives the same plain text', () => {
  const bytes = Buffer.from(
    `héllo \u001b[1;31mred\u001b[0m\r\n\u001b]8;;http://x\u001b\\link\u001b]8;;\u0007 𝄞 done\n`,
  );
  const whole = new PlainStream().next(bytes);
  expect(whole).toBe('héllo red\nlink 𝄞 done\n');
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 8 }), (cuts) => {
      const stream = new PlainStream();
      const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const parts = places.slice(1).map((end, index) => stream.next(bytes.subarray(places[index], end)));
      expect(parts.join('')).toBe(whole);
    }),
  );
});

it('CLI8: columns stand side by side for a person, and a tab apart for a program', () => {
  const rows = [
    ['a', 'bbb', 'c'],
    ['aaaa', 'b', ''],
  ];
  expect(table(rows, true)).toEqual(['a     bbb  c', 'aaaa  b']);
  expect(table(rows, false)).toEqual(['a\tbbb\tc', 'aaaa\tb\t']);
});
