/** Values and bytes that fit, almost fit, and do not fit at all. */
import type { Random } from '@holdfast/testkit/random.ts';

const strange: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  Number.MAX_SAFE_INTEGER,
  1e308,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '../../etc/passwd',
  '__proto__',
  'x'.repeat(300),
  'ü'.repeat(5_000),
  [],
  {},
  [[[[]]]],
  { __proto__: null, constructor: 1 },
  '2026-11-21T00:00:00Z',
  "'; DROP TABLE sessions; --",
];

export const anything = (random: Random): unknown =>
  random.next() < 0.1 ? nested(random.integer(200)) : random.pick(strange);

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

/** The same value with one or a few places changed. */
export function mutated(value: unknown, random: Random): unknown {
  if (random.next() < 0.15) return anything(random);
  if (Array.isArray(value))
    return (value as unknown[]).map((item) => (random.next() < 0.3 ? mutated(item, random) : item));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
      const what = random.next();
      if (what < 0.1) return [];
      return [[what < 0.15 ? `${key}x` : key, what < 0.5 ? mutated(item, random) : item]];
    });
    if (random.next() < 0.1) entries.push([random.pick(['__proto__', 'id', 'extra', 'type']), anything(random)]);
    return Object.fromEntries(entries);
  }
  return random.next() < 0.5 ? anything(random) : value;
}

/** Bytes with some flipped, cut off, or put in. */
export function mutatedBytes(bytes: Uint8Array, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  for (let times = random.integer(4); times > 0 && copy.length > 0; times -= 1) {
    copy[random.integer(copy.length)] = random.integer(256);
  }
  const cut = random.next();
  if (cut < 0.2) return copy.subarray(0, random.integer(copy.length + 1));
  return cut < 0.3 ? Buffer.concat([copy, randomBytes(64, random)]) : copy;
}

export const randomBytes = (most: number, random: Random): Buffer =>
  Buffer.from(Array.from({ length: random.integer(most) }, () => random.integer(256)));
