/** The fewest actions that once broke a rule: kept, whatever later versions draw from a seed. */
import type { Action } from './action.ts';

export const found: readonly { readonly what: string; readonly actions: readonly Action[] }[] = [
  {
    what: 'an agent that is stopped with a message in its queue does not take it up',
    actions: [
      { type: 'send', wait: 0, choice: 965934, salt: 376673073 },
      { type: 'send', wait: 0, choice: 172045, salt: 165884629 },
      { type: 'end', wait: 0, choice: 486218, salt: 531115167 },
      { type: 'work', wait: 39, choice: 307092, salt: 955740872 },
    ],
  },
  {
    what: 'a message is not prompted again when both its agent and its runner died before its delivery was done',
    actions: [
      { type: 'weather', wait: 55, choice: 713379, salt: 1768645471 },
      { type: 'send', wait: 0, choice: 291215, salt: 1581007532 },
      { type: 'work', wait: 1629, choice: 463441, salt: 689957601 },
      { type: 'send', wait: 0, choice: 207710, salt: 827099709 },
      { type: 'keys', wait: 1619, choice: 483224, salt: 1362171086 },
      { type: 'runnerCrash', wait: 1860, choice: 805261, salt: 760790989 },
      { type: 'die', wait: 41, choice: 940407, salt: 679663927 },
    ],
  },
  {
    what: 'a turn is interrupted when the holder died before the delivery of its start was done',
    actions: [
      { type: 'weather', wait: 78, choice: 44919, salt: 316794921 },
      { type: 'send', wait: 65, choice: 222553, salt: 31204623 },
      { type: 'finish', wait: 1895, choice: 670973, salt: 81597531 },
      { type: 'discard', wait: 1651, choice: 278736, salt: 1304589165 },
      { type: 'text', wait: 1922, choice: 818237, salt: 1244089138 },
      { type: 'work', wait: 0, choice: 80108, salt: 1041629971 },
      { type: 'holderCrash', wait: 0, choice: 925224, salt: 583955023 },
      { type: 'keys', wait: 1794, choice: 773456, salt: 332805506 },
    ],
  },
];
