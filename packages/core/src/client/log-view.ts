/**
 * What a reader has of a session's log that it reads from the end: the newest part first, then what is new, and older
 * parts when it goes back. The transcript is that of the part which was read (fold.ts), whatever came in which order.
 */
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { foldFacts, transcriptOf } from './fold.ts';
import type { TranscriptItem } from './transcript-item.ts';
import { type Transcript, itemOf } from './transcript.ts';

/** The newest part of a log at one moment. */
export interface LogTail {
  /** What the session was after `lastSeq`. */
  readonly base: SessionState;
  /** The facts are those from here to lastSeq. */
  readonly from: number;
  readonly lastSeq: number;
  /** The oldest fact still kept. */
  readonly oldestSeq: number;
  readonly facts: readonly Fact[];
}

export interface LogView {
  /** The first fact read. */
  readonly from: number;
  readonly oldestSeq: number;
  /** From `from` to the last one folded. */
  readonly facts: readonly Fact[];
  readonly transcript: Transcript;
}

export function viewOfTail(sessionId: string, { base, from, lastSeq, oldestSeq, facts }: LogTail): LogView {
  return { from, oldestSeq, facts, transcript: transcriptOf({ sessionId, state: base, lastSeq, facts }) };
}

/** facts: right after the last one folded. */
export function withNewer(view: LogView, facts: readonly Fact[]): LogView {
  return { ...view, facts: [...view.facts, ...facts], transcript: foldFacts(view.transcript, facts) };
}

/** page: facts right before `from`, or none where retention has removed them. Items that stay as they are stay the same objects. */
export function withOlder(
  view: LogView,
  page: { readonly facts: readonly Fact[]; readonly oldestSeq: number },
): LogView {
  const { oldestSeq } = page;
  const [first] = page.facts;
  const { state } = view.transcript.fold;
  if (first === undefined || state === null || page.facts.at(-1)?.seq !== view.from - 1) return { ...view, oldestSeq };
  const { sessionId, lastSeq, previews } = view.transcript;
  const facts = [...page.facts, ...view.facts];
  const whole = transcriptOf({ sessionId, state, lastSeq, facts });
  const items = whole.items.map((item) => kept(view.transcript, item));
  return { from: first.seq, oldestSeq, facts, transcript: { ...whole, items, previews } };
}

/** The object this item was before, if nothing of it is new. */
function kept(before: Transcript, item: TranscriptItem): TranscriptItem {
  const known = itemOf(before, item.key);
  const now = item.type === 'tool' ? { ...item, children: item.children.map((child) => kept(before, child)) } : item;
  return known !== undefined && sameFields(known, now) ? known : now;
}

/** Fields are plain values, or objects of facts, which are the same objects as long as the facts are. */
function sameFields(a: object, b: object): boolean {
  const others = new Map(Object.entries(b));
  const fields = Object.entries(a);
  return fields.length === others.size && fields.every(([name, value]) => same(value, others.get(name)));
}

function same(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((value, index) => value === b[index]);
}
