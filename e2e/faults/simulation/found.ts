/** The fewest actions that once broke a rule: kept, whatever later versions draw from a seed. */
import type { Action } from './action.ts';

export const found: readonly {
  readonly what: string;
  /** Default: 1. */
  readonly seed?: number;
  readonly actions: readonly Action[];
}[] = [
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
  {
    what: 'a message that is delivered again after its agent died and was forgotten is handed to no other',
    actions: [
      { type: 'reload', wait: 1656, choice: 1138984356, salt: 650417217 },
      { type: 'leave', wait: 57, choice: 1451583592, salt: 1474678918 },
      { type: 'serverCrash', wait: 36, choice: 967382735, salt: 320125287 },
      { type: 'size', wait: 1847, choice: 235120973, salt: 1796769949 },
      { type: 'resume', wait: 76, choice: 1949552145, salt: 408719147 },
      { type: 'size', wait: 44, choice: 546106219, salt: 1705000650 },
      { type: 'model', wait: 58, choice: 207918598, salt: 381882449 },
      { type: 'finish', wait: 76, choice: 906750809, salt: 1050140337 },
      { type: 'stall', wait: 59, choice: 288990117, salt: 1196230115 },
      { type: 'online', wait: 71, choice: 305399299, salt: 42825752 },
      { type: 'send', wait: 54, choice: 1365493318, salt: 1304998668 },
      { type: 'work', wait: 74, choice: 479646107, salt: 601430655 },
      { type: 'keys', wait: 48, choice: 1766442304, salt: 536149327 },
      { type: 'send', wait: 65, choice: 1023880889, salt: 1243786403 },
      { type: 'resume', wait: 57, choice: 1721174938, salt: 473595389 },
      { type: 'weather', wait: 64, choice: 532970238, salt: 1033649728 },
      { type: 'runnerCrashes', wait: 40000, choice: 692261414, salt: 1764649078 },
      { type: 'send', wait: 38, choice: 1993003074, salt: 1016558281 },
      { type: 'keys', wait: 49, choice: 828200184, salt: 1282231958 },
      { type: 'weather', wait: 60, choice: 1758318716, salt: 867437503 },
      { type: 'send', wait: 0, choice: 115745177, salt: 1832641080 },
      { type: 'work', wait: 1870, choice: 734387724, salt: 2115048592 },
      { type: 'cut', wait: 0, choice: 912064655, salt: 398118217 },
      { type: 'serverCrash', wait: 1771, choice: 241172143, salt: 57693772 },
      { type: 'edit', wait: 1714, choice: 2053336347, salt: 431614876 },
      { type: 'resume', wait: 1721, choice: 554187244, salt: 240868803 },
      { type: 'serverDrain', wait: 1879, choice: 529844655, salt: 2134774823 },
      { type: 'leave', wait: 1812, choice: 2046875938, salt: 1524245256 },
      { type: 'reload', wait: 1852, choice: 71421150, salt: 243488256 },
      { type: 'runnerCrashes', wait: 1690, choice: 1204670389, salt: 359320149 },
      { type: 'rename', wait: 57, choice: 1949527152, salt: 1528779278 },
      { type: 'halfOpen', wait: 35, choice: 471961682, salt: 2052692392 },
      { type: 'stall', wait: 40000, choice: 1497977304, salt: 135271024 },
      { type: 'serverCrash', wait: 52, choice: 1520013351, salt: 606808361 },
      { type: 'runnerCrashes', wait: 41, choice: 1613600246, salt: 804783305 },
      { type: 'answer', wait: 40000, choice: 773812869, salt: 870506181 },
      { type: 'work', wait: 0, choice: 852842926, salt: 2123531452 },
    ],
  },
  {
    what: 'a machine’s hello that was still on its way when it came again does not interrupt what it has begun since',
    seed: 8253,
    actions: [
      { type: 'work', wait: 1748, choice: 1888144691, salt: 245890660 },
      { type: 'weather', wait: 0, choice: 1736323494, salt: 1054446777 },
      { type: 'send', wait: 74, choice: 991411883, salt: 1287444776 },
      { type: 'runnerCrash', wait: 73, choice: 1441347503, salt: 1507953035 },
      { type: 'keys', wait: 1641, choice: 79033281, salt: 880908063 },
      { type: 'answer', wait: 1937, choice: 2069512188, salt: 500972005 },
      { type: 'weather', wait: 0, choice: 1805569602, salt: 1973510580 },
      { type: 'holderCrash', wait: 50, choice: 614341285, salt: 1806849385 },
      { type: 'reload', wait: 48, choice: 943570160, salt: 1764944259 },
      { type: 'work', wait: 1673, choice: 37066379, salt: 1242778899 },
      { type: 'work', wait: 0, choice: 506951405, salt: 1082062380 },
    ],
  },
];
