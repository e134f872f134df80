/**
 * What the agent says → facts, previews and replies. Pure: the same lines from the same state give the same facts at the
 * same positions, so that a new driver that reads a line again tells what the first one told. (Of a tool call it may
 * know more by then, a better title or the change it makes; what happened and where is the same.)
 *
 * A fact's position is all that survives of what was read before it. So no fact is told while a block of text is being
 * written, except the block itself: what comes up meanwhile waits for its end.
 */
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { applyRequests, closeBlock } from './block.ts';
import { toolCallIdOf } from './permission.ts';
import { requested, withdrawn } from './request.ts';
import { type AcpState, type Block, carried, isBy, openTurnOf } from './state.ts';
import { type LineRange, type Step, type TranslateContext, quiet } from './step.ts';
import { isFinal, isTelling, putTool, toolFinished, toolStarted, toolWith } from './tool.ts';
import { endOfTurn } from './turn-end.ts';
import type { Incoming, SessionUpdate, ToolUpdate } from './wire.ts';

export function translate(state: AcpState, message: Incoming, line: LineRange, context: TranslateContext): Step {
  if (state.turn !== null && line.start < state.turn.begunAt) return quiet(state);
  switch (message.type) {
    case 'update':
      return message.sessionId === state.session?.id ? updated(state, message.update, line, context) : quiet(state);
    case 'request':
      return requested(state, message.id, message.method, message.params, line, context);
    case 'withdrawn':
      return withdrawn(state, message.id, line);
    case 'answer': {
      const turn = openTurnOf(state);
      if (turn === null || message.id !== promptId(turn.turnId)) return quiet(state);
      const { facts, state: ended } = endOfTurn(state, message, line);
      return { ...quiet(ended), tells: [{ position: line.end, facts }] };
    }
    case 'other':
      return quiet(state);
  }
}

export const promptId = (turnId: string): string => `prompt:${turnId}`;

function updated(state: AcpState, update: SessionUpdate, line: LineRange, context: TranslateContext): Step {
  const turn = openTurnOf(state);
  switch (update.sessionUpdate) {
    case 'usage_update': {
      const dollars = update.cost?.currency === 'USD' ? update.cost.amount : undefined;
      return quiet({
        ...state,
        context: { used: update.used, size: update.size },
        cost: dollars === undefined ? state.cost : { now: dollars, before: state.cost?.before ?? 0 },
      });
    }
    case 'notice':
      return noticed(
        state,
        update.severity === 'info' ? 'info' : 'warning',
        [update.title, update.description].filter((text) => text !== undefined).join('\n'),
        line,
      );
    case 'compaction_update':
      if (update.status === 'completed') return noticed(state, 'info', 'The conversation was compacted.', line);
      return update.status === 'failed'
        ? noticed(state, 'warning', `Compacting the conversation failed. ${update.error ?? ''}`.trim(), line)
        : quiet(state);
    default:
  }
  // What an agent says between turns is a replay of what was said before.
  if (turn === null) return quiet(state);
  switch (update.sessionUpdate) {
    case 'agent_message_chunk':
    case 'agent_thought_chunk': {
      const kind = update.sessionUpdate === 'agent_message_chunk' ? 'text' : 'thinking';
      const text = update.content.text ?? '';
      return text === '' ? quiet(state) : written(state, turn.turnId, kind, text, update.messageId, line, context);
    }
    case 'plan': {
      const marks: Record<string, string> = { completed: '☑', in_progress: '◐' };
      const entries = update.entries.map(({ content, status }) => `${marks[status] ?? '☐'} ${content}`);
      return noticed(state, 'info', ['Plan', ...entries].join('\n'), line);
    }
    case 'tool_call':
    case 'tool_call_update':
      return toolUpdated(state, update, turn, line);
  }
}

/** More text. Its block's fact is told where the next block begins, so that no position lies beyond text still open. */
function written(
  state: AcpState,
  turnId: string,
  kind: Block['kind'],
  text: string,
  messageId: string | undefined,
  line: LineRange,
  context: TranslateContext,
): Step {
  const open = state.block;
  const goesOn =
    open !== null &&
    open.kind === kind &&
    (messageId === undefined || open.messageId === undefined || open.messageId === messageId) &&
    open.text.length + text.length <= limits.messageText;
  const closed = goesOn || open === null ? { state, facts: [] } : closeBlock(state, line.start);
  const tells = closed.facts.length === 0 ? [] : [{ position: line.start, facts: closed.facts }];
  const block: Block = goesOn
    ? { ...open, text: open.text + text }
    : { blockId: `b${context.generation}-${line.end}`, kind, messageId, text, startedAt: line.start };
  const begun = { ...closed.state, block };
  if (text.length > limits.messageText) {
    const whole = closeBlock(begun, line.end);
    return { ...quiet(whole.state), tells: [...tells, { position: line.end, facts: whole.facts }] };
  }
  const preview = { blockId: block.blockId, turnId, kind, offset: block.text.length - text.length, text };
  return { state: begun, tells, replies: [], preview };
}

function noticed(state: AcpState, level: 'info' | 'warning', text: string, line: LineRange): Step {
  const notice = { level, text: text.slice(0, 4_096), at: line.end };
  const noted: AcpState = { ...state, notices: [...state.notices, notice].slice(-20) };
  if (state.block !== null || openTurnOf(state) === null) return quiet(noted);
  const { state: after, facts } = closeBlock(noted, line.end);
  return { ...quiet(after), tells: [{ position: line.end, facts }] };
}

function toolUpdated(
  state: AcpState,
  update: ToolUpdate & { readonly sessionUpdate: 'tool_call' | 'tool_call_update' },
  turn: { readonly turnId: string; readonly stoppingAt: number | null },
  line: LineRange,
): Step {
  const before = state.tools.find((tool) => tool.toolCallId === toolCallIdOf(update.toolCallId));
  if (before !== undefined && before.finishedAt !== null) return quiet(state);
  const unknown = before === undefined && update.sessionUpdate === 'tool_call_update';
  if (unknown && !isFinal(update)) return quiet(state);

  let tool = toolWith(before, update, line.end);
  const facts: FactDraft[] = [];
  const applied = applyRequests(
    state.requests,
    line.end,
    (request) =>
      isBy(request.answeredAt, line.start) && (request.toolCallId === tool.toolCallId || request.fields !== null),
  );
  facts.push(...applied.facts);
  if (tool.startedAt === null && !unknown && (isTelling(update) || isFinal(update))) {
    tool = { ...tool, startedAt: line.end };
    facts.push(toolStarted(tool, update, turn.turnId));
  }
  if (isFinal(update)) {
    const stopping = isBy(turn.stoppingAt, line.start);
    const denied = state.requests
      .filter((request) => request.toolCallId === tool.toolCallId && isBy(request.answeredAt, line.start))
      .at(-1);
    const failure = denied?.decision === 'deny' ? 'denied' : stopping ? 'stopped' : 'failed';
    facts.push(toolFinished(tool, update, failure));
    tool = { ...carried(tool), finishedAt: line.end };
  }
  const next: AcpState = { ...state, tools: putTool(state.tools, tool), requests: applied.requests };
  if (facts.length === 0 && update.sessionUpdate === 'tool_call_update') return quiet(next);
  const closed = closeBlock(next, line.end);
  const told = [...closed.facts, ...facts];
  return { ...quiet(closed.state), tells: told.length === 0 ? [] : [{ position: line.end, facts: told }] };
}
