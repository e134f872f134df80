import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventStreamParser } from '../src/event-stream-parser.ts';

const text =
  ': a comment\nretry: 1000\nevent: fact\nid: 7\ndata: {"a":1}\n\n' +
  'data: first\r\ndata:second\r\n\r\nevent: empty\n\nevent: 💥\ndata\n\nevent: cut\ndata: never finished';
const events = [
  { name: 'fact', data: '{"a":1}' },
  { name: 'message', data: 'first\nsecond' },
  { name: '💥', data: '' },
];

it('LINK9: an event stream is the same events however it is cut', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 20 }), (cuts) => {
      const parser = new EventStreamParser(1_000);
      const places = [0, ...cuts.toSorted((a, b) => a - b), text.length];
      const found = places.slice(1).flatMap((end, index) => parser.push(text.slice(places[index], end)) ?? []);
      expect(found).toEqual(events);
    }),
  );
});

it('LINK9: an event beyond the limit ends the stream, in one line or in many', () => {
  expect(new EventStreamParser(20).push(`data: ${'x'.repeat(30)}`)).toBeNull();
  const parser = new EventStreamParser(20);
  expect(parser.push('data: 1234567890\n')).toEqual([]);
  expect(parser.push('data: 1234567890\n')).toBeNull();
  expect(new EventStreamParser(20).push('data: 1\n\n'.repeat(20))).toHaveLength(20);
});
