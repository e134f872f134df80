/**
 * What the agent writes, one JSON object a line: the part of it that is understood here, parsed once. Everything else
 * is `other`. Shapes as Claude Code 2.1 writes them (stream-json and its control protocol).
 */
import { z } from 'zod';

const inputSchema = z.record(z.string(), z.unknown());
const parent = { parent_tool_use_id: z.string().nullish() };

const usageSchema = z.object({
  input_tokens: z.number().default(0),
  output_tokens: z.number().default(0),
  cache_creation_input_tokens: z.number().nullish(),
  cache_read_input_tokens: z.number().nullish(),
});
export type ApiUsage = z.infer<typeof usageSchema>;

const textBlockSchema = z.object({ type: z.literal('text'), text: z.string() });
/** Content as a string is the same as one text block. */
const stringContentSchema = z.string().transform((text) => [{ type: 'text' as const, text }]);
const otherBlockSchema = z.object({ type: z.string() }).transform(() => ({ type: 'other' as const }));

const answerBlockSchema = z.union([
  textBlockSchema,
  z.object({ type: z.literal('thinking'), thinking: z.string() }),
  z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: inputSchema }),
  otherBlockSchema,
]);

const assistantSchema = z.object({
  type: z.literal('assistant'),
  ...parent,
  uuid: z.string(),
  message: z.object({
    id: z.string(),
    model: z.string().optional(),
    content: z.union([stringContentSchema, z.array(answerBlockSchema)]),
    usage: usageSchema.optional(),
  }),
  /** The person stopped it in the middle. */
  aborted: z.boolean().optional(),
  /** Not the model's words but the agent's, about an error. */
  is_api_error_message: z.boolean().optional(),
  error: z.string().optional(),
});

const toolResultBlockSchema = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([stringContentSchema, z.array(z.union([textBlockSchema, otherBlockSchema]))]).default([]),
  is_error: z.boolean().optional(),
});
export type ToolResultBlock = z.infer<typeof toolResultBlockSchema>;

const toolResultMetaSchema = z.object({
  id: z.string(),
  permission_decision: z.object({ decision: z.string() }).optional(),
  /** Why an error is not the tool's own output: it was refused or stopped. */
  non_execution_kind: z.string().optional(),
});
export type ToolResultMeta = z.infer<typeof toolResultMetaSchema>;

const userSchema = z.object({
  type: z.literal('user'),
  ...parent,
  message: z.object({
    content: z.union([stringContentSchema, z.array(z.union([toolResultBlockSchema, otherBlockSchema]))]),
  }),
  /** Differs per tool; what is used of it is parsed in diff.ts. */
  tool_use_result: z.unknown().optional(),
  tool_result_meta: z.array(toolResultMetaSchema).optional(),
});

const deltaSchema = z.union([
  z.object({ type: z.literal('text_delta'), text: z.string() }),
  z.object({ type: z.literal('thinking_delta'), thinking: z.string() }),
  otherBlockSchema,
]);

const apiEventSchema = z.union([
  z.object({ type: z.literal('content_block_delta'), index: z.number(), delta: deltaSchema }),
  z.object({
    type: z.literal('content_block_start'),
    index: z.number(),
    content_block: z.object({ type: z.string() }),
  }),
  z.object({ type: z.literal('content_block_stop'), index: z.number() }),
  z.object({ type: z.enum(['message_start', 'message_stop']) }),
  otherBlockSchema,
]);

const streamEventSchema = z.object({
  type: z.literal('stream_event'),
  ...parent,
  event: apiEventSchema,
  api_message_id: z.string().optional(),
});

const modelUsageSchema = z.record(
  z.string(),
  z.object({ costUSD: z.number().optional(), contextWindow: z.number().optional() }),
);

const resultSchema = z.object({
  type: z.literal('result'),
  subtype: z.string(),
  is_error: z.boolean(),
  terminal_reason: z.string().optional(),
  result: z.string().optional(),
  errors: z.array(z.string()).optional(),
  api_error_status: z.number().nullish(),
  usage: usageSchema.optional(),
  modelUsage: modelUsageSchema.optional(),
  model_usage_since_last_result: modelUsageSchema.optional(),
  user_message_uuids: z.array(z.string()).optional(),
  origin: z.object({ kind: z.string() }).optional(),
});
export type ResultMessage = z.infer<typeof resultSchema>;

const systemSchema = z.discriminatedUnion('subtype', [
  z.object({ type: z.literal('system'), subtype: z.literal('init'), session_id: z.string() }),
  z.object({
    type: z.literal('system'),
    subtype: z.literal('api_retry'),
    attempt: z.number(),
    max_retries: z.number(),
    retry_delay_ms: z.number(),
    error_status: z.number().nullish(),
    error: z.string().nullish(),
  }),
  z.object({
    type: z.literal('system'),
    subtype: z.literal('background_tasks_changed'),
    tasks: z.array(z.object({ task_id: z.string(), description: z.string(), ambient: z.boolean().optional() })),
  }),
  z.object({
    type: z.literal('system'),
    subtype: z.literal('task_notification'),
    task_id: z.string(),
    status: z.string(),
    summary: z.string().optional(),
    /** The summary is a sub-agent's report to the agent, not a line for a person. */
    summary_is_report: z.boolean().optional(),
  }),
  z.object({ type: z.literal('system'), subtype: z.literal('status'), status: z.string().nullish() }),
  z.object({ type: z.literal('system'), subtype: z.literal('compact_boundary') }),
  z.object({
    type: z.literal('system'),
    subtype: z.literal('informational'),
    content: z.string(),
    level: z.string().optional(),
  }),
]);

const lifecycleSchema = z.object({
  type: z.literal('command_lifecycle'),
  command_uuid: z.string(),
  state: z.string(),
  /** An alarm that the agent had set goes off. */
  wakeup_source: z.string().optional(),
});

const permissionRequestSchema = z.object({
  type: z.literal('control_request'),
  request_id: z.string(),
  request: z.object({
    subtype: z.literal('can_use_tool'),
    tool_name: z.string(),
    input: inputSchema,
    tool_use_id: z.string(),
    /** The sub-agent that asks. */
    agent_id: z.string().optional(),
    suppress_always_allow_rule: z.boolean().optional(),
  }),
});
export type PermissionRequest = z.infer<typeof permissionRequestSchema>;

/** Before a call of a tool that could change something, also where the agent itself would ask nobody. */
const hookCallSchema = z
  .object({
    type: z.literal('control_request'),
    request_id: z.string(),
    request: z.object({
      subtype: z.literal('hook_callback'),
      input: z.object({ tool_name: z.string(), tool_input: inputSchema.catch({}) }),
    }),
  })
  .transform(({ request_id: requestId, request: { input } }) => ({
    type: 'hook_call' as const,
    requestId,
    tool: input.tool_name,
    input: input.tool_input,
  }));
export type HookCall = z.infer<typeof hookCallSchema>;

const cancelSchema = z.object({ type: z.literal('control_cancel_request'), request_id: z.string() });
const responseSchema = z.object({
  type: z.literal('control_response'),
  response: z.object({ request_id: z.string() }),
});
const otherControlSchema = z.object({ type: z.literal('control_request') });

const schemas = {
  assistant: assistantSchema,
  user: userSchema,
  stream_event: streamEventSchema,
  result: resultSchema,
  system: systemSchema,
  command_lifecycle: lifecycleSchema,
  control_request: z.union([permissionRequestSchema, hookCallSchema, otherControlSchema]),
  control_cancel_request: cancelSchema,
  control_response: responseSchema,
} as const;

type Parsed = { [T in keyof typeof schemas]: z.infer<(typeof schemas)[T]> }[keyof typeof schemas];
/** unreadable: why a message of a type that is understood could not be read. */
export type AgentMessage = Parsed | { readonly type: 'other'; readonly unreadable?: string };

const other = { type: 'other' } as const;
const envelopeSchema = z.object({ type: z.string() });

/** null: not a JSON object with a type, which the agent never writes. */
export function parseMessage(line: string): AgentMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const envelope = envelopeSchema.safeParse(value);
  if (!envelope.success) return null;
  if (!(envelope.data.type in schemas)) return other;
  const { type } = envelope.data;
  const parsed = schemas[type as keyof typeof schemas].safeParse(value);
  if (parsed.success) return parsed.data;
  // Most kinds of system message are not for us.
  return type === 'system' ? other : { type: 'other', unreadable: `${type}: ${z.prettifyError(parsed.error)}` };
}

/** Frames of the control protocol go on to the SDK; what the agent says does not need it, and hook calls are answered here. */
export const isControlFrame = (message: AgentMessage): boolean => message.type.startsWith('control_');
