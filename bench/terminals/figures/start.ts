/** From the start of the program to its first answer; its files are there and have been read before. */
import { atMost, type Figure } from './figure.ts';

export const start: Figure = {
  name: 'start',
  fresh: true,
  rows: [
    { key: 'first', title: 'cold start to the first 200, s', digits: 2, target: '≤ 0.5', met: atMost(0.5) },
    { key: 'ready', title: 'cold start to /readyz, s', digits: 2, target: '–', met: () => null },
  ],
  measure: (host) => host.coldStart?.() ?? Promise.resolve(null),
};
