/**
 * Holds the transcript of one who read only a part of a log against that of one who read all of it (LOG15). Structural:
 * core's transcripts fit.
 */
import { isDeepStrictEqual } from 'node:util';

interface Item {
  readonly type: string;
  readonly key: string;
  readonly seq: number;
}
interface Call extends Item {
  readonly type: 'tool';
  readonly turnId: string;
  readonly state: string;
  readonly children: readonly Item[];
}
interface TurnEnd extends Item {
  readonly type: 'turn-end';
  readonly turnId: string;
  readonly startedAt: string | null;
}
interface Transcript {
  readonly items: readonly Item[];
  readonly turn: { readonly turnId: string } | null;
  readonly pendingApprovals: readonly string[];
}
interface Fact {
  readonly seq: number;
  readonly type: string;
  readonly data: object;
}

/** What differs and must not, in words. facts: the whole log; from: the first one that was read. */
export function partDifferences(part: Transcript, whole: Transcript, facts: readonly Fact[], from: number): string[] {
  const found: string[] = [];
  for (const name of new Set([...Object.keys(part), ...Object.keys(whole)])) {
    if (name === 'items' || name === 'fold') continue;
    const [mine, theirs] = [part, whole].map((transcript) => transcript[name as keyof Transcript]);
    if (!isDeepStrictEqual(mine, theirs))
      found.push(`${name} is ${JSON.stringify(mine)}, not ${JSON.stringify(theirs)}`);
  }
  const mine = new Map(flat(part.items).map((item) => [item.key, item]));
  const theirs = new Map(flat(whole.items).map((item) => [item.key, item]));
  for (const item of mine.values()) {
    if (item.seq >= from && theirs.get(item.key)?.seq !== item.seq) found.push(`${item.key} is not in the whole`);
    const other = theirs.get(item.key);
    if (item.seq < from && isRunning(item) && (other === undefined || !isRunning(other)))
      found.push(`${item.key} seems to run`);
  }
  for (const item of theirs.values()) {
    const other = mine.get(item.key);
    const read = item.seq >= from;
    const open = whole.pendingApprovals.includes(item.key) || (isRunning(item) && item.turnId === whole.turn?.turnId);
    if (!read && !open) continue;
    if (other === undefined) found.push(`${item.key} is missing`);
    else if (read && !sameItem(other, item, facts, from))
      found.push(`${item.key} is ${words(other)}, not ${words(item)}`);
    else if (open && !read && other.type !== item.type) found.push(`${item.key} is no ${item.type}`);
  }
  return found;
}

const words = (item: Item): string => JSON.stringify(item);

const isCall = (item: Item): item is Call => item.type === 'tool';
const isTurnEnd = (item: Item): item is TurnEnd => item.type === 'turn-end';
const isRunning = (item: Item): item is Call => isCall(item) && item.state === 'running';

const flat = (items: readonly Item[]): Item[] =>
  items.flatMap((item) => (isCall(item) ? [item, ...flat(item.children)] : [item]));

function sameItem(mine: Item, theirs: Item, facts: readonly Fact[], from: number): boolean {
  if (isCall(mine) && isCall(theirs)) {
    const keys = ({ children }: Call): string[] => children.map(({ key }) => key);
    return isDeepStrictEqual({ ...mine, children: keys(mine) }, { ...theirs, children: keys(theirs) });
  }
  if (isTurnEnd(mine) && isTurnEnd(theirs) && mine.startedAt === null) {
    // When it began was told only before this part.
    const told = facts.some(
      ({ seq, type, data }) =>
        seq >= from && type === 'turn.started' && 'turnId' in data && data.turnId === mine.turnId,
    );
    if (!told) return isDeepStrictEqual(mine, { ...theirs, startedAt: null });
  }
  return isDeepStrictEqual(mine, theirs);
}
