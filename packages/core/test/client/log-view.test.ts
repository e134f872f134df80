import { describe, expect, it } from 'vitest';
import type { Fact } from '@holdfast/protocol/fact.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { foldFacts, transcriptOf } from '@holdfast/core/client/fold.ts';
import { type LogView, viewOfTail, withNewer, withOlder } from '@holdfast/core/client/log-view.ts';
import type { TranscriptItem } from '@holdfast/core/client/transcript-item.ts';
import { type Transcript, itemOf, newTranscript } from '@holdfast/core/client/transcript.ts';
import { logOfLife } from '../session/random-life.ts';

const sessionId = 'session';
const whole = (facts: readonly Fact[]): Transcript => foldFacts(newTranscript(sessionId), facts);
const scalars = ({ items: _items, fold: _fold, ...others }: Transcript): unknown => others;
const flat = (items: readonly TranscriptItem[]): TranscriptItem[] =>
  items.flatMap((item) => (item.type === 'tool' ? [item, ...flat(item.children)] : [item]));

/** When each turn began to be in its phase, by the seq that told it. */
function turnStarts(facts: readonly Fact[]): Map<string, number> {
  const starts = new Map<string, number>();
  for (const fact of facts) {
    if (fact.type === 'turn.started') starts.set(fact.data.turnId, fact.seq);
  }
  return starts;
}

/** Whether `part` is to one who read everything what the rules say, from the fact `from` on. */
function expectSame(part: Transcript, full: Transcript, from: number, starts: Map<string, number>): void {
  expect(scalars(part)).toEqual(scalars(full));
  const inPart = (items: readonly TranscriptItem[]): TranscriptItem[] =>
    items.filter((item) => item.seq >= from).sort((a, b) => a.seq - b.seq);
  const seen = (item: TranscriptItem, other: TranscriptItem | undefined): unknown => {
    if (item.type === 'tool') return { ...item, children: null };
    // What was told only before this part began.
    const untold = item.type === 'turn-end' && (starts.get(item.turnId) ?? 0) < from;
    return untold && other?.type === 'turn-end' && other.startedAt === null ? { ...item, startedAt: null } : item;
  };
  const mine = inPart(flat(part.items));
  const theirs = inPart(flat(full.items));
  expect(mine.map((item) => seen(item, item))).toEqual(theirs.map((item) => seen(item, itemOf(part, item.key))));
  for (const item of theirs) {
    if (item.type !== 'tool') continue;
    expect(itemOf(part, item.key)).toMatchObject({ children: item.children.map(({ key }) => ({ key })) });
  }
  // Who waits for an answer can be answered, and what seems to run does.
  for (const key of full.pendingApprovals)
    expect(itemOf(part, key)).toEqual({ ...itemOf(full, key), seq: expect.any(Number) as number });
  const running = (items: readonly TranscriptItem[]): TranscriptItem[] =>
    flat(items).filter((item) => item.type === 'tool' && item.state === 'running');
  const ofOpenTurn = (item: TranscriptItem): boolean => 'turnId' in item && item.turnId === full.turn?.turnId;
  const keys = (items: readonly TranscriptItem[]): string[] => items.map(({ key }) => key).sort();
  expect(keys(running(part.items).filter(ofOpenTurn))).toEqual(keys(running(full.items).filter(ofOpenTurn)));
  expect(running(part.items).filter((item) => item.seq < from && !ofOpenTurn(item))).toEqual([]);
}

describe('a log read from its end', () => {
  it('LOG15: for 30 random logs and every cut, state and tail give what the whole log gives, and so with all that follows', () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const random = seededRandom(seed);
      const { facts, states } = logOfLife(seed, 45);
      const starts = turnStarts(facts);
      const everything = whole(facts);
      for (let from = 1; from <= facts.length; from += 1) {
        const lastSeq = from + random.integer(facts.length - from + 1);
        const state = states[lastSeq - 1];
        if (state === undefined) throw new Error('no state');
        const part = transcriptOf({ sessionId, facts: facts.slice(from - 1, lastSeq), state, lastSeq });
        try {
          expectSame(part, whole(facts.slice(0, lastSeq)), from, starts);
          expectSame(foldFacts(part, facts.slice(lastSeq)), everything, from, starts);
        } catch (error) {
          throw new Error(`seed ${seed}, from ${from} to ${lastSeq} of ${facts.length}`, { cause: error });
        }
      }
    }
  });

  it('PAGE10: whatever older pages come between whatever is new, what is shown is the fold of what was read, in the end of everything', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = seededRandom(seed);
      const { facts, states } = logOfLife(seed, 60);
      const starts = turnStarts(facts);
      let lastSeq = 1 + random.integer(facts.length);
      const from = 1 + random.integer(lastSeq);
      const base = states[lastSeq - 1];
      if (base === undefined) throw new Error('no state');
      const tail = { base, from, lastSeq, oldestSeq: 1, facts: facts.slice(from - 1, lastSeq) };
      let view: LogView = viewOfTail(sessionId, tail);
      while (view.from > 1 || lastSeq < facts.length) {
        if (random.integer(2) === 0) {
          const fresh = facts.slice(lastSeq, lastSeq + random.integer(6));
          lastSeq += fresh.length;
          view = withNewer(view, fresh);
        } else {
          const page = facts.slice(Math.max(0, view.from - 1 - random.integer(9)), view.from - 1);
          view = withOlder(view, { facts: page, oldestSeq: 1 });
        }
        expectSame(view.transcript, whole(facts.slice(0, lastSeq)), view.from, starts);
      }
      const everything = whole(facts);
      expect(scalars(view.transcript)).toEqual(scalars(everything));
      expect(view.transcript.items).toEqual(everything.items);
    }
  });

  const said = (seq: number, blockId = `b${seq}`): Fact => ({
    seq,
    at: '2026-01-01T00:00:00.000Z',
    type: 'message.assistant',
    data: { blockId, turnId: 't', kind: 'text', text: blockId },
  });
  const [base] = logOfLife(1, 1).states;
  if (base === undefined) throw new Error('no state');
  const tail = (facts: readonly Fact[]) => ({
    base,
    from: facts[0]?.seq ?? 0,
    lastSeq: facts.at(-1)?.seq ?? 0,
    oldestSeq: 3,
    facts,
  });

  it('PAGE10: what is shown stays the same object when older parts come, so that nothing is drawn anew', () => {
    const inside = { toolCallId: 'c', turnId: 't', tool: 'Task', title: 'sub', input: {} };
    const call: Fact = { ...said(8), type: 'tool.started', data: inside };
    const deep: Fact = {
      ...said(9),
      type: 'message.assistant',
      data: { blockId: 'd', turnId: 't', kind: 'text', text: 'd', parentToolCallId: 'c' },
    };
    const view = viewOfTail(sessionId, tail([said(7), call, deep, said(10)]));
    const older = withOlder(view, { facts: [said(5), said(6)], oldestSeq: 3 });
    expect(older.transcript.items.map(({ seq }) => seq)).toEqual([5, 6, 7, 8, 10]);
    expect(older.transcript.items.slice(2).every((item, index) => item === view.transcript.items[index])).toBe(true);
    expect(itemOf(older.transcript, 'block:d')).toBe(itemOf(view.transcript, 'block:d'));
  });

  it('PAGE10: a page that does not join on changes nothing, and says what is still kept', () => {
    const view = viewOfTail(sessionId, tail([said(7), said(8)]));
    expect(withOlder(view, { facts: [said(4), said(5)], oldestSeq: 3 })).toEqual(view);
    const removed = withOlder(view, { facts: [], oldestSeq: 7 });
    expect(removed).toMatchObject({ from: 7, oldestSeq: 7, transcript: view.transcript });
  });
});
