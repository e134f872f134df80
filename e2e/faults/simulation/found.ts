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
];
