import { expect, it } from 'vitest';
import { castEvent, castHeader, decoded } from '@holdfast/runner/recordings/asciicast.ts';

it('REC2: a character that is cut waits for its rest, wherever it is cut; what is no UTF-8 is shown as such', () => {
  const bytes = Buffer.from('a\u00e9\u20ac\u{1f600}\u{feff}z');
  for (let first = 0; first <= bytes.length; first += 1) {
    for (let second = first; second <= bytes.length; second += 1) {
      let [text, rest] = ['', new Uint8Array()];
      for (const piece of [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)]) {
        const next = decoded(Buffer.concat([rest, piece]));
        text += next.text;
        rest = Uint8Array.from(next.rest);
      }
      expect([text, rest.length]).toEqual([bytes.toString(), 0]);
    }
  }
  expect(decoded(Uint8Array.of(0x61, 0xff, 0x80, 0x62))).toMatchObject({ text: 'a\ufffd\ufffdb' });
  expect(decoded(Uint8Array.of(0x80, 0x80, 0x80, 0x80)).rest).toHaveLength(0);
});

it('REC1: header and events are those of asciicast v2', () => {
  const header = castHeader({ cols: 80, rows: 24, startedAt: 1_700_000_000_900, title: 'a "b"', shell: '/bin/sh' });
  expect(JSON.parse(header)).toEqual({
    version: 2,
    width: 80,
    height: 24,
    timestamp: 1_700_000_000,
    title: 'a "b"',
    env: { TERM: 'xterm-256color', SHELL: '/bin/sh' },
  });
  expect(castEvent(1_234, 'o', 'x\x1b\n')).toBe('[1.234,"o","x\\u001b\\n"]\n');
});
