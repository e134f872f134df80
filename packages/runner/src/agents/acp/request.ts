/** What the agent asks of us: leave for a tool call, an answer to a form, or something we do not offer. Pure. */
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { isUncut } from '../cut-text.ts';
import { closeBlock } from './block.ts';
import { questionsOf } from './form.ts';
import { approvalIdOf, permissionReply, toolCallIdOf, verdictOf } from './permission.ts';
import { type AcpState, type AgentRequest, openTurnOf } from './state.ts';
import { type LineRange, type Step, type TranslateContext, quiet } from './step.ts';
import { diffOf, grantOf, inputOf, putTool, toolStarted, toolWith } from './tool.ts';
import { type RequestId, type ToolUpdate, formRequestSchema, permissionRequestSchema } from './wire.ts';

export const answerToken = (id: RequestId): string => `answer:${JSON.stringify(id)}`;

export function requested(
  state: AcpState,
  id: RequestId,
  method: string,
  params: unknown,
  line: LineRange,
  context: TranslateContext,
): Step {
  const refuse = (code: number, message: string): Step => ({
    ...quiet(state),
    replies: [{ token: answerToken(id), message: { id, error: { code, message } } }],
  });
  const turn = openTurnOf(state);
  if (method === 'session/request_permission') {
    const request = permissionRequestSchema.safeParse(params);
    if (!request.success) return refuse(-32602, 'Invalid params');
    if (turn === null) return cancelled(state, id, { outcome: { outcome: 'cancelled' } });
    return permissionAsked(state, id, request.data, turn.turnId, line, context);
  }
  if (method === 'elicitation/create') {
    const request = formRequestSchema.safeParse(params);
    const form = request.success ? questionsOf(request.data) : null;
    if (!request.success || form === null || turn === null) return cancelled(state, id, { action: 'cancel' });
    const toolCallId = toolCallIdOf(request.data.toolCallId ?? `form-${context.generation}-${String(id)}`);
    const known = state.requests.find((other) => other.requestId === id);
    const asked = known ?? newRequest(state, turn.turnId, id, toolCallId, 'question', line.end, [], form.fields);
    return ask(state, asked, line, {
      type: 'question.requested',
      data: {
        approvalId: asked.approvalId,
        turnId: turn.turnId,
        toolCallId,
        kind: 'question',
        tool: 'question',
        title: request.data.message.slice(0, 2_000),
        input: {},
        questions: form.questions,
        scopes: ['once'],
      },
    });
  }
  return refuse(-32601, `Method not found: ${method.slice(0, 100)}`);
}

function permissionAsked(
  state: AcpState,
  id: RequestId,
  request: { toolCall: ToolUpdate; options: { optionId: string; kind: string }[] },
  turnId: string,
  line: LineRange,
  context: TranslateContext,
): Step {
  const { toolCall } = request;
  const before = state.tools.find((tool) => tool.toolCallId === toolCallIdOf(toolCall.toolCallId));
  let tool = toolWith(before, toolCall, line.end);
  const facts: FactDraft[] = [];
  if (tool.startedAt === null) {
    tool = { ...tool, startedAt: line.end };
    facts.push(toolStarted(tool, toolCall, turnId));
  }
  const started: AcpState = { ...state, tools: putTool(state.tools, tool) };
  const options = request.options.map(({ optionId, kind }) => ({ optionId, kind }));
  const known = state.requests.find((other) => other.requestId === id);
  const grant = grantOf(tool, toolCall);
  const asked = known ?? {
    ...newRequest(state, turnId, id, tool.toolCallId, tool.tool, line.end, options, null),
    grant,
  };
  const verdict =
    known === undefined
      ? verdictOf(context.mode, tool.kind, grant, context.allowedTools)
      : known.automatic && known.decision === 'deny'
        ? 'deny'
        : known.automatic
          ? 'allow'
          : 'ask';
  if (verdict === 'ask') {
    // Of the request alone: what the agent tells of the call later must not change what was asked.
    const diff = diffOf(toolCall);
    return ask(
      started,
      asked,
      line,
      {
        type: 'approval.requested',
        data: {
          approvalId: asked.approvalId,
          turnId,
          toolCallId: tool.toolCallId,
          kind: 'permission',
          tool: tool.tool,
          title: tool.title === '' ? tool.tool : tool.title,
          input: inputOf(toolCall),
          ...(diff === null ? {} : { diff }),
          scopes: ['once', 'session'],
          editable: context.quirks.readsAnswerDetails === true && isUncut(inputOf(toolCall)),
        },
      },
      facts,
    );
  }
  const { decision, response, notice } = permissionReply({ decision: verdict }, options, context.quirks);
  const decided: AgentRequest = { ...asked, decision, automatic: true, answeredAt: line.end };
  const why =
    verdict === 'deny' ? `Ask mode only reads: “${tool.title.slice(0, 500) || tool.tool}” was refused.` : notice;
  const notices =
    why === null ? state.notices : [...state.notices, { level: 'warning' as const, text: why, at: line.end }];
  const closed = closeBlock({ ...started, notices, requests: putRequest(state.requests, decided) }, line.end);
  const told = [...closed.facts, ...facts];
  return {
    state: closed.state,
    tells: told.length === 0 ? [] : [{ position: line.end, facts: told }],
    replies: [{ token: answerToken(id), message: { id, result: response } }],
    preview: null,
  };
}

function ask(
  state: AcpState,
  request: AgentRequest,
  line: LineRange,
  fact: FactDraft,
  before: readonly FactDraft[] = [],
): Step {
  const closed = closeBlock({ ...state, requests: putRequest(state.requests, request) }, line.end);
  return { ...quiet(closed.state), tells: [{ position: line.end, facts: [...closed.facts, ...before, fact] }] };
}

function newRequest(
  state: AcpState,
  turnId: string,
  requestId: RequestId,
  toolCallId: string,
  tool: string,
  askedAt: number,
  options: AgentRequest['options'],
  fields: AgentRequest['fields'],
): AgentRequest {
  const ordinal = 1 + state.requests.filter((other) => other.toolCallId === toolCallId).length;
  return {
    requestId,
    approvalId: approvalIdOf(turnId, toolCallId, ordinal),
    toolCallId,
    tool,
    askedAt,
    options,
    fields,
    decision: null,
    automatic: false,
    answeredAt: null,
    appliedAt: null,
  };
}

export function putRequest(requests: readonly AgentRequest[], request: AgentRequest): AgentRequest[] {
  const at = requests.findIndex((other) => other.requestId === request.requestId);
  return at === -1 ? [...requests, request] : requests.with(at, request);
}

const cancelled = (state: AcpState, id: RequestId, result: object): Step => ({
  ...quiet(state),
  replies: [{ token: answerToken(id), message: { id, result } }],
});

/** What the agent is told when nobody will answer any more. */
export const cancelResult = (request: AgentRequest): object =>
  request.fields === null ? { outcome: { outcome: 'cancelled' } } : { action: 'cancel' };

export function withdrawn(state: AcpState, id: RequestId, line: LineRange): Step {
  const request = state.requests.find((other) => other.requestId === id);
  // Withdrawn at this very line: it is read again.
  if (request === undefined || (request.answeredAt ?? line.end) !== line.end) return quiet(state);
  const given: AgentRequest = { ...request, decision: 'cancelled', answeredAt: line.end, appliedAt: line.end };
  const closed = closeBlock({ ...state, requests: putRequest(state.requests, given) }, line.end);
  const expired: FactDraft = {
    type: 'approval.expired',
    data: { approvalId: request.approvalId, reason: 'withdrawn' },
  };
  return {
    state: closed.state,
    tells: [{ position: line.end, facts: [...closed.facts, expired] }],
    replies: [{ token: answerToken(id), message: { id, result: cancelResult(request) } }],
    preview: null,
  };
}
