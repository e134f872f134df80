import { describe, expect, it } from 'vitest';
import type { Fact } from '@holdfast/protocol/fact.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { partDifferences } from '@holdfast/testkit/transcript-part.ts';
import { foldFacts, transcriptOf } from '@holdfast/core/client/fold.ts';
import { type LogView, viewOfTail, withNewer, withOlder } from '@holdfast/core/client/log-view.ts';
import { type Transcript, itemOf, newTranscript } from '@holdfast/core/client/transcript.ts';
import { logOfLife } from '../session/random-life.ts';

const sessionId = 'session';
const whole = (facts: readonly Fact[]): Transcript => foldFacts(newTranscript(sessionId), facts);
/** part: of one who read from `from` on. */
function expectSame(part: Transcript, full: Transcript, facts: readonly Fact[], from: number): void {
  expect(partDifferences(part, full, facts, from)).toEqual([]);
  // Who waits for an answer is asked the same.
  for (const key of full.pendingApprovals) {
    expect(itemOf(part, key)).toEqual({ ...itemOf(full, key), seq: expect.any(Number) as number });
  }
}

describe('a log read from its end', () => {
  it('LOG15: for 30 random logs and every cut, state and tail give what the whole log gives, and so with all that follows', () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const random = seededRandom(seed);
      const { facts, states } = logOfLife(seed, 45);
      const everything = whole(facts);
      for (let from = 1; from <= facts.length; from += 1) {
        const lastSeq = from + random.integer(facts.length - from + 1);
        const state = states[lastSeq - 1];
        if (state === undefined) throw new Error('no state');
        const part = transcriptOf({ sessionId, facts: facts.slice(from - 1, lastSeq), state, lastSeq });
        try {
          expectSame(part, whole(facts.slice(0, lastSeq)), facts, from);
          expectSame(foldFacts(part, facts.slice(lastSeq)), everything, facts, from);
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
        expectSame(view.transcript, whole(facts.slice(0, lastSeq)), facts, view.from);
      }
      const everything = whole(facts);
      expect({ ...view.transcript, fold: null }).toEqual({ ...everything, fold: null });
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
