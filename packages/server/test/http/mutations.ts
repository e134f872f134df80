/** Seeded nonsense: random JSON, and good bodies with something broken in them. */
import type { Random } from '@holdfast/testkit/random.ts';

const strings = [
  '',
  ' ',
  'x',
  '\u0000',
  '\ud800',
  '../../etc',
  '__proto__',
  'constructor',
  '💥',
  '{}',
  'null',
  '1e999',
  'x'.repeat(300),
];

export function randomValue(random: Random, depth = 0): unknown {
  switch (random.integer(depth > 4 ? 5 : 8)) {
    case 0:
      return random.pick(strings);
    case 1:
      return random.pick([0, -0, -1, 1.5, 2 ** 53, -(2 ** 53), 1e308]);
    case 2:
      return random.pick([true, false]);
    case 3:
      return null;
    case 4:
      return random.pick(['s1', 'w1', 'a1', 'message.send', 'terminal', 'allow']);
    case 5:
      return Array.from({ length: random.integer(4) }, () => randomValue(random, depth + 1));
    default: {
      const names = [
        ...strings,
        'id',
        'type',
        'kind',
        'path',
        'sessionId',
        'text',
        'data',
        'terminal',
        'agent',
        'toJSON',
      ];
      return Object.fromEntries(
        Array.from({ length: random.integer(5) }, () => [random.pick(names), randomValue(random, depth + 1)]),
      );
    }
  }
}

/** The same shape with one or more of its parts replaced, removed or added. */
export function mutate(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || random.integer(6) === 0) {
    return random.integer(2) === 0 ? value : randomValue(random);
  }
  if (Array.isArray(value)) return value.map((item: unknown) => mutate(item, random));
  const entries = Object.entries(value)
    .filter(() => random.integer(8) > 0)
    .map(([name, item]) => [name, mutate(item, random)]);
  if (random.integer(4) === 0) entries.push([random.pick(strings), randomValue(random)]);
  return Object.fromEntries(entries) as unknown;
}
