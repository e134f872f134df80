/**
 * What the driver knows of a conversation. Kept in two parts: `notes` survive the driver (in the holder's meta), the block
 * under way does not have to, because its text is read again. Everything in the notes carries the position it became
 * true at, so that a driver that reads again from an earlier position can tell what was true there.
 */
import { z } from 'zod';
import { formFieldSchema } from './form.ts';
import { requestIdSchema } from './wire.ts';

const positionSchema = z.number().int().nonnegative();

const turnSchema = z.object({
  turnId: z.string(),
  /** How far the agent had been read when it began: what stands before is of an earlier turn, and stored. */
  begunAt: positionSchema,
  /** How far the agent had been read when stop was asked for. */
  stoppingAt: positionSchema.nullable(),
  endedAt: positionSchema.nullable(),
});

const toolSchema = z.object({
  toolCallId: z.string(),
  tool: z.string(),
  kind: z.string(),
  title: z.string(),
  /** Cut; the newest. Left out of the notes when they grow too large. */
  output: z.string().default(''),
  diff: z.object({ path: z.string(), patch: z.string() }).nullable().default(null),
  seenAt: positionSchema,
  startedAt: positionSchema.nullable(),
  finishedAt: positionSchema.nullable(),
});
export type Tool = z.infer<typeof toolSchema>;

const requestSchema = z.object({
  /** The agent's JSON-RPC id. */
  requestId: requestIdSchema,
  approvalId: z.string(),
  toolCallId: z.string(),
  tool: z.string(),
  /** What "for this session" would hold on to. Absent in notes of older versions: the tool. */
  grant: z.string().optional(),
  askedAt: positionSchema,
  options: z.array(z.object({ optionId: z.string(), kind: z.string() })),
  /** Of a question; null: a permission. */
  fields: z.array(formFieldSchema).nullable(),
  decision: z.enum(['allow', 'deny', 'cancelled']).nullable(),
  /** Decided by the mode or by an earlier answer: no person was asked. */
  automatic: z.boolean(),
  /** How far the agent had been read when the answer was given. */
  answeredAt: positionSchema.nullable(),
  appliedAt: positionSchema.nullable(),
});
export type AgentRequest = z.infer<typeof requestSchema>;

const noticeSchema = z.object({ level: z.enum(['info', 'warning']), text: z.string(), at: positionSchema });

export const notesSchema = z.object({
  /** Of the process they are about: positions mean nothing in another one. */
  generation: z.number(),
  /** Set once the session is open, with what a new driver needs of the handshake. */
  session: z.object({ id: z.string(), modelOption: z.string().nullable(), openedAt: positionSchema }).nullable(),
  /** A prompt may hold images. */
  takesImages: z.boolean().default(false),
  turn: turnSchema.nullable(),
  /** Of the last turn, oldest first. */
  tools: z.array(toolSchema),
  requests: z.array(requestSchema),
  /** To be told with the next facts. */
  notices: z.array(noticeSchema),
  context: z.object({ used: z.number(), size: z.number() }).nullable(),
  /** US dollars since the session began: now, and when the last turn began. */
  cost: z.object({ now: z.number(), before: z.number() }).nullable(),
});
export type Notes = z.infer<typeof notesSchema>;

/** Text the agent is writing. */
export interface Block {
  readonly blockId: string;
  readonly kind: 'text' | 'thinking';
  /** The agent's own id of the message it belongs to. */
  readonly messageId: string | undefined;
  readonly text: string;
  /** Where its first line begins. */
  readonly startedAt: number;
}

export interface AcpState extends Notes {
  readonly block: Block | null;
}

export const emptyState = (generation: number): AcpState => ({
  generation,
  session: null,
  takesImages: false,
  turn: null,
  tools: [],
  requests: [],
  notices: [],
  context: null,
  cost: null,
  block: null,
});

/** It had happened by then. A later thing does not change what is told of an earlier line that is read again. */
export const isBy = (at: number | null, position: number): boolean => at !== null && at <= position;

export function openTurnOf(state: Notes): NonNullable<Notes['turn']> | null {
  return state.turn !== null && state.turn.endedAt === null ? state.turn : null;
}

export function beginTurn(state: AcpState, turnId: string, begunAt: number): AcpState {
  return {
    ...state,
    turn: { turnId, begunAt, stoppingAt: null, endedAt: null },
    tools: [],
    requests: [],
    cost: state.cost === null ? null : { now: state.cost.now, before: state.cost.now },
    block: null,
  };
}

/** Finished tools and applied requests remembered: what was told of them may not be stored yet. */
const finishedTools = 100;
const appliedRequests = 30;
/** Characters of what tools said, and of all notes, as JSON: under half of what the holder keeps. */
const carriedText = 4 * 1024;
const carriedTexts = 12 * 1024;

/** A tool with so much of what it said as its end needs if it has to be told again. */
export function carried(tool: Tool): Tool {
  const diff = (tool.diff?.patch.length ?? 0) > carriedText ? null : tool.diff;
  return { ...tool, output: tool.output.slice(0, carriedText), diff };
}

/** What to keep for the next driver, of bounded size: the texts of the oldest tools go first. */
export function notesOf(state: AcpState): Notes {
  const { block: _again, ...notes } = state;
  const finished = new Set(notes.tools.filter((tool) => tool.finishedAt !== null).slice(-finishedTools));
  const tools = notes.tools.filter((tool) => tool.finishedAt === null || finished.has(tool)).slice(-2 * finishedTools);
  let left = carriedTexts;
  const shortened = tools.toReversed().map((tool) => {
    const short = { ...carried(tool), title: tool.title.slice(0, 100) };
    left -= short.output.length + short.title.length + (short.diff?.patch.length ?? 0);
    return left >= 0 ? short : { ...short, title: '', output: '', diff: null };
  });
  const applied = new Set(notes.requests.filter((request) => request.appliedAt !== null).slice(-appliedRequests));
  const requests = notes.requests
    .filter((request) => request.appliedAt === null || applied.has(request))
    .map((request) => (request.appliedAt === null ? request : { ...request, options: [], fields: null }));
  return { ...notes, tools: shortened.reverse(), requests, notices: notes.notices.slice(-5) };
}

/** The state at `position`, from notes that may already know what comes after it. */
export function stateAt(notes: Notes, position: number): AcpState {
  const known = (at: number | null): number | null => (isBy(at, position) ? at : null);
  return {
    ...notes,
    turn: notes.turn === null ? null : { ...notes.turn, endedAt: known(notes.turn.endedAt) },
    tools: notes.tools
      .filter((tool) => tool.seenAt <= position)
      .map((tool) => ({ ...tool, startedAt: known(tool.startedAt), finishedAt: known(tool.finishedAt) })),
    // One asked later is kept: when it is read again, it is known what was decided.
    requests: notes.requests.map((request) => ({ ...request, appliedAt: known(request.appliedAt) })),
    notices: notes.notices.filter((notice) => notice.at <= position),
    block: null,
  };
}
