/**
 * The agent's messages as facts and previews. Pure: state in, state and what to tell out. All facts of one message
 * belong to the position where its line ends.
 */
import type { FactData, FactDraft } from '@holdfast/protocol/fact.ts';
import type { Preview } from '@holdfast/protocol/socket.ts';
import type { AgentMessage, ApiUsage, PermissionRequest } from './message.ts';
import { cutInput, isUncut } from '../cut-text.ts';
import { approvalIdOf, ownTurnId, probedApproval } from './frame.ts';
import { approvalKind, approvalScopes, questionsOf, toolTitle, type Verdict } from './permission.ts';
import { beginOwnTurn, without, type OpenBlock, type OpenTurn, type TranslationState } from './translation-state.ts';
import { toolFinished } from './tool-result.ts';
import { turnOutcome, turnUsage } from './turn-result.ts';
import { alarmCause, backgroundCause } from './waking.ts';

export interface TranslationContext {
  /** Where the message's line ends. */
  readonly position: number;
  readonly processId: string;
  readonly generation: number;
  /** What to do when the provider refuses the login; for a person. */
  readonly remedy: string;
  readonly decide: (tool: string, input: Readonly<Record<string, unknown>>) => Verdict;
}

export interface Translation {
  readonly state: TranslationState;
  readonly facts: readonly FactDraft[];
  /** Text to add to blocks under way; '' at offset 0 takes a block back. */
  readonly previews: readonly Preview[];
}

const nothing = { facts: [], previews: [] } as const;
const quiet = (state: TranslationState): Translation => ({ state, ...nothing });
const tell = (state: TranslationState, ...facts: FactDraft[]): Translation => ({ state, facts, previews: [] });

type MessageOf<T extends AgentMessage['type']> = Extract<AgentMessage, { type: T }>;

export function translate(state: TranslationState, message: AgentMessage, context: TranslationContext): Translation {
  switch (message.type) {
    case 'stream_event':
      return translateStreamEvent(state, message);
    case 'assistant':
      return translateAssistant(state, message, context);
    case 'user':
      return translateUser(state, message);
    case 'result':
      return translateResult(state, message, context);
    case 'system':
      return translateSystem(state, message, context);
    case 'command_lifecycle':
      if (message.wakeup_source !== undefined) return quiet({ ...state, waking: alarmCause });
      // A prompt that was dropped before the agent took it up has no result of its own.
      return message.state === 'cancelled' && message.command_uuid === state.turn?.promptUuid
        ? endTurn(state, { outcome: 'stopped' })
        : quiet(state);
    case 'control_request':
      return 'request' in message ? translateRequest(state, message, context) : quiet(state);
    case 'control_cancel_request': {
      const request = state.requests[message.request_id];
      if (request === undefined) return quiet(state);
      const next = { ...state, requests: without(state.requests, message.request_id) };
      return request.verdict.decision === 'ask'
        ? tell(next, { type: 'approval.expired', data: { approvalId: request.approvalId, reason: 'withdrawn' } })
        : quiet(next);
    }
    case 'control_response': {
      const approvalId = probedApproval(message.response.request_id);
      if (approvalId === null || state.applied.includes(approvalId)) return quiet(state);
      const next = { ...state, applied: [...state.applied, approvalId] };
      return tell(next, { type: 'approval.applied', data: { approvalId } });
    }
    case 'hook_call':
    case 'other':
      return quiet(state);
  }
}

/** The process has ended: what is told of blocks it did not finish, and of a turn that was being stopped. */
export function translateEnd(state: TranslationState): FactDraft[] {
  const facts: FactDraft[] = Object.values(state.blocks)
    .filter((block) => block.whole && block.text !== '')
    .flatMap((block) => blockFact(state, block, block.text, true));
  if (state.turn?.stopping === true) {
    facts.push({ type: 'turn.ended', data: { turnId: state.turn.turnId, outcome: 'stopped' } });
  }
  return facts;
}

/** Blocks under way, whole. */
export function openPreviews(state: TranslationState): Preview[] {
  return Object.values(state.blocks).flatMap((block) =>
    block.whole && block.text !== '' ? preview(state, block, 0, block.text) : [],
  );
}

function preview(state: TranslationState, block: OpenBlock, offset: number, text: string): Preview[] {
  if (state.lastTurnId === null) return [];
  return [{ blockId: block.blockId, turnId: state.lastTurnId, kind: block.kind, offset, text }];
}

function blockFact(
  state: TranslationState,
  block: Pick<OpenBlock, 'blockId' | 'kind' | 'parentToolCallId'>,
  text: string,
  partial: boolean,
): FactDraft[] {
  if (state.lastTurnId === null) return [];
  const { blockId, kind, parentToolCallId } = block;
  return [
    {
      type: 'message.assistant',
      data: {
        blockId,
        turnId: state.lastTurnId,
        kind,
        text,
        ...(partial ? { partial } : {}),
        ...(parentToolCallId === undefined ? {} : { parentToolCallId }),
      },
    },
  ];
}

const parentOf = (message: { parent_tool_use_id?: string | null | undefined }): { parentToolCallId?: string } =>
  typeof message.parent_tool_use_id === 'string' ? { parentToolCallId: message.parent_tool_use_id } : {};

function translateStreamEvent(state: TranslationState, message: MessageOf<'stream_event'>): Translation {
  const { event } = message;
  const writer = message.parent_tool_use_id ?? '';
  const open = state.blocks[writer];
  const apiMessageId = message.api_message_id ?? '';
  switch (event.type) {
    case 'message_start':
    case 'message_stop':
    case 'content_block_stop':
      // The finished block was told before its stop: what is still open here was given up.
      return takeBack(state, writer);
    case 'content_block_start': {
      const { state: cleared, previews } = takeBack(state, writer);
      const { type } = event.content_block;
      if (type !== 'text' && type !== 'thinking') return { state: cleared, facts: [], previews };
      const block: OpenBlock = {
        blockId: `${apiMessageId}:${event.index}`,
        apiMessageId,
        kind: type,
        text: '',
        whole: true,
        ...parentOf(message),
      };
      return { state: { ...cleared, blocks: { ...cleared.blocks, [writer]: block } }, facts: [], previews };
    }
    case 'content_block_delta': {
      const { delta } = event;
      if (delta.type === 'other') return quiet(state);
      const kind = delta.type === 'text_delta' ? 'text' : 'thinking';
      const added = delta.type === 'text_delta' ? delta.text : delta.thinking;
      const blockId = `${apiMessageId}:${event.index}`;
      const block: OpenBlock =
        open?.blockId === blockId
          ? { ...open, text: open.text + added }
          : { blockId, apiMessageId, kind, text: added, whole: false, ...parentOf(message) };
      return {
        state: { ...state, blocks: { ...state.blocks, [writer]: block } },
        facts: [],
        previews: block.whole ? preview(state, block, block.text.length - added.length, added) : [],
      };
    }
    case 'other':
      return quiet(state);
  }
}

/** Forgets the block a writer has open, and takes its preview back. */
function takeBack(state: TranslationState, writer: string): Translation {
  const open = state.blocks[writer];
  if (open === undefined) return quiet(state);
  return {
    state: { ...state, blocks: without(state.blocks, writer) },
    facts: [],
    previews: open.whole && open.text !== '' ? preview(state, open, 0, '') : [],
  };
}

const tokensOf = (usage: ApiUsage): number =>
  usage.input_tokens +
  (usage.cache_creation_input_tokens ?? 0) +
  (usage.cache_read_input_tokens ?? 0) +
  usage.output_tokens;

function translateAssistant(
  state: TranslationState,
  message: MessageOf<'assistant'>,
  context: TranslationContext,
): Translation {
  if (message.is_api_error_message === true) {
    // The result that follows tells the error; a refused login is told at once.
    return message.error === 'authentication_failed' ? refuseLogin(state, context) : quiet(state);
  }
  const writer = message.parent_tool_use_id ?? '';
  const facts: FactDraft[] = [];
  let next = state;
  for (const [index, block] of message.message.content.entries()) {
    if (block.type === 'tool_use') {
      if (state.lastTurnId === null) continue;
      if (approvalKind(block.name) === 'plan') next = { ...next, plan: { toolCallId: block.id, input: block.input } };
      facts.push({
        type: 'tool.started',
        data: {
          toolCallId: block.id,
          turnId: state.lastTurnId,
          tool: block.name,
          title: toolTitle(block.name, block.input),
          input: cutInput(block.input),
          ...parentOf(message),
        },
      });
    } else if (block.type === 'text' || block.type === 'thinking') {
      const text = block.type === 'text' ? block.text : block.thinking;
      const open = next.blocks[writer];
      const isOpen = open?.apiMessageId === message.message.id && open.kind === block.type;
      if (text === '') continue;
      const blockId = isOpen ? open.blockId : `${message.uuid}:${index}`;
      if (isOpen) next = { ...next, blocks: without(next.blocks, writer) };
      facts.push(
        ...blockFact(state, { blockId, kind: block.type, ...parentOf(message) }, text, message.aborted === true),
      );
    }
  }
  const { usage } = message.message;
  // What the agent says itself, without the model, counts no tokens.
  if (writer === '' && usage !== undefined && tokensOf(usage) > 0) next = { ...next, contextTokens: tokensOf(usage) };
  return tell(next, ...facts);
}

function translateUser(state: TranslationState, message: MessageOf<'user'>): Translation {
  const results = message.message.content.filter((block) => block.type === 'tool_result');
  const facts = results.map((block): FactDraft => {
    const meta = message.tool_result_meta?.find((entry) => entry.id === block.tool_use_id);
    // The structure belongs to the one call of its message.
    const structure = results.length === 1 ? message.tool_use_result : undefined;
    return { type: 'tool.finished', data: toolFinished(block, meta, structure) };
  });
  const finished = new Set(results.map((block) => block.tool_use_id));
  const requests = Object.fromEntries(
    Object.entries(state.requests).filter(([, request]) => !finished.has(request.toolCallId)),
  );
  return tell({ ...state, requests }, ...facts);
}

/** Work in the background outlived every turn that this driver knows: there is nothing to hang a card on. */
const noTurn: Verdict = { decision: 'deny', message: 'No turn is open, so nobody can be asked.' };

function translateRequest(
  state: TranslationState,
  message: PermissionRequest,
  context: TranslationContext,
): Translation {
  const { request_id: requestId, request } = message;
  // Asked again under the same id: the first one stands.
  if (state.requests[requestId] !== undefined) return quiet(state);
  const toolCallId = request.tool_use_id;
  const approvalId = approvalIdOf(toolCallId);
  const verdict = state.lastTurnId === null ? noTurn : context.decide(request.tool_name, request.input);
  const next: TranslationState = {
    ...state,
    requests: {
      ...state.requests,
      [requestId]: {
        approvalId,
        toolCallId,
        verdict,
        bySubAgent: request.agent_id !== undefined,
        position: context.position,
      },
    },
  };
  if (verdict.decision !== 'ask' || state.lastTurnId === null) return quiet(next);
  const kind = approvalKind(request.tool_name);
  const planned = kind === 'plan' && state.plan?.toolCallId === toolCallId ? state.plan.input : {};
  const input = { ...planned, ...request.input };
  const data: FactData<'approval.requested'> = {
    approvalId,
    turnId: state.lastTurnId,
    toolCallId,
    kind,
    tool: request.tool_name,
    title: toolTitle(request.tool_name, input),
    input: cutInput(input),
    ...(kind === 'question' ? { questions: questionsOf(request.input) } : {}),
    scopes: approvalScopes(kind, request.suppress_always_allow_rule === true),
    ...(kind === 'permission' ? { editable: isUncut(request.input) } : {}),
  };
  return tell(next, { type: kind === 'question' ? 'question.requested' : 'approval.requested', data });
}

function translateSystem(
  state: TranslationState,
  message: MessageOf<'system'>,
  context: TranslationContext,
): Translation {
  switch (message.subtype) {
    case 'init': {
      const { state: begun, facts } = wake(state, context);
      const conversationId = message.session_id;
      if (conversationId === state.conversationId) return tell(begun, ...facts);
      return tell({ ...begun, conversationId }, ...facts, { type: 'agent.conversation', data: { conversationId } });
    }
    case 'background_tasks_changed':
      return quiet({
        ...state,
        // What is ambient is no work.
        tasks: Object.fromEntries(
          message.tasks.filter(({ ambient }) => ambient !== true).map((task) => [task.task_id, task.description]),
        ),
      });
    case 'task_notification':
      return quiet({ ...state, waking: backgroundCause(message, state.tasks) });
    case 'api_retry': {
      if (message.error === 'authentication_failed') return refuseLogin(state, context);
      const error = message.error === 'unknown' ? null : message.error?.replaceAll('_', ' ');
      const reason = [error, message.error_status].filter(Boolean).join(', ');
      const seconds = Math.ceil(message.retry_delay_ms / 1_000);
      const text =
        `The provider did not answer${reason === '' ? '' : ` (${reason})`}. ` +
        `Trying again in ${seconds} s, ${message.attempt} of ${message.max_retries}.`;
      return notice(state, 'warning', text);
    }
    case 'status':
      return message.status === 'compacting' ? notice(state, 'info', 'Compacting the conversation.') : quiet(state);
    case 'compact_boundary':
      return notice(state, 'info', 'The conversation was compacted.');
    case 'informational':
      return message.level === 'warning' ? notice(state, 'warning', message.content.slice(0, 4_096)) : quiet(state);
  }
}

/**
 * The agent says what it is at the beginning of every turn. Where the person's turn is open it is that one, or work of
 * the agent's own within it (TURN18). Before the first message of a process there is none.
 */
function wake(state: TranslationState, { processId, generation, position }: TranslationContext): Translation {
  if (state.turn !== null || state.lastTurnId === null) return quiet(state);
  const turnId = ownTurnId(processId, position);
  const cause = state.waking ?? { kind: 'unknown' };
  const data = { turnId, generation, messageId: turnId, cause };
  return tell(beginOwnTurn(state, turnId), { type: 'turn.started', data });
}

function notice(state: TranslationState, level: 'info' | 'warning', text: string): Translation {
  if (state.turn === null) return quiet(state);
  return tell(state, { type: 'turn.notice', data: { turnId: state.turn.turnId, level, text } });
}

/** Trying again with the same key does not help: the turn ends at once. */
function refuseLogin(state: TranslationState, context: TranslationContext): Translation {
  return endTurn(
    { ...state, unauthenticated: true },
    { outcome: 'failed', error: { kind: 'agent_unavailable', message: context.remedy } },
  );
}

function endTurn(
  state: TranslationState,
  end: Pick<FactData<'turn.ended'>, 'outcome' | 'error'>,
  ...before: FactDraft[]
): Translation {
  if (state.turn === null) return tell(state, ...before);
  const { turnId } = state.turn;
  // What a sub-agent asks it asks until it says otherwise: it may go on in the background (APPR12).
  const over = Object.entries(state.requests).filter(([, request]) => !request.bySubAgent);
  const requests = over.reduce((left, [requestId]) => without(left, requestId), { ...state.requests });
  const expired = over
    .filter(([, request]) => request.verdict.decision === 'ask')
    .map(([, request]): FactDraft => ({
      type: 'approval.expired',
      data: { approvalId: request.approvalId, reason: 'turn_ended' },
    }));
  return tell({ ...state, turn: null, requests }, ...before, ...expired, {
    type: 'turn.ended',
    data: { turnId, ...end },
  });
}

function translateResult(
  state: TranslationState,
  message: MessageOf<'result'>,
  context: TranslationContext,
): Translation {
  if (state.lastTurnId === null) return quiet(state);
  const usage = turnUsage(message, state.lastTurnId, state.contextTokens);
  if (state.turn === null || !isResultOf(state.turn, message)) return tell(state, usage);
  if (message.is_error && (message.api_error_status === 401 || message.api_error_status === 403)) {
    return refuseLogin(state, context);
  }
  return endTurn(state, turnOutcome(message), usage);
}

/** The agent works on nothing else while it is in a turn of its own: no prompt was handed to it. */
function isResultOf({ promptUuid }: OpenTurn, { user_message_uuids: uuids, origin }: MessageOf<'result'>): boolean {
  if (promptUuid === null) return true;
  return uuids === undefined ? origin === undefined : uuids.includes(promptUuid);
}
