/**
 * What an ACP agent writes, as far as we use it. The schemas are ours and forgiving (a field that does not fit is left
 * out, a kind we do not know is `other`), because the SDK offers its own only inside a connection object, and that object
 * cannot be put on a process that is already in the middle of a conversation. Types of what we write are the SDK's.
 */
import { z } from 'zod';

const text = z.string().optional().catch(undefined);
const record = z.record(z.string(), z.unknown());

export const requestIdSchema = z.union([z.string(), z.number()]);
export type RequestId = z.infer<typeof requestIdSchema>;

const contentBlockSchema = z.object({
  type: z.string(),
  text,
  resource: z.object({ text }).optional().catch(undefined),
});
export type ContentBlock = z.infer<typeof contentBlockSchema>;

const toolContentSchema = z.object({
  type: z.string(),
  content: contentBlockSchema.optional().catch(undefined),
  path: text,
  oldText: z.string().nullish().catch(undefined),
  newText: text,
});

const toolUpdateSchema = z.object({
  toolCallId: z.string().min(1),
  title: text,
  name: text,
  kind: text,
  status: text,
  rawInput: z.unknown().optional(),
  rawOutput: z.unknown().optional(),
  content: z.array(z.unknown()).transform(knownOnly(toolContentSchema)).optional().catch(undefined),
  locations: z
    .array(z.unknown())
    .transform(knownOnly(z.object({ path: z.string() })))
    .optional()
    .catch(undefined),
});
export type ToolUpdate = z.infer<typeof toolUpdateSchema>;

const chunk = { content: contentBlockSchema, messageId: text };
const knownUpdateSchema = z.discriminatedUnion('sessionUpdate', [
  z.object({ sessionUpdate: z.literal('agent_message_chunk'), ...chunk }),
  z.object({ sessionUpdate: z.literal('agent_thought_chunk'), ...chunk }),
  toolUpdateSchema.extend({ sessionUpdate: z.literal('tool_call') }),
  toolUpdateSchema.extend({ sessionUpdate: z.literal('tool_call_update') }),
  z.object({
    sessionUpdate: z.literal('plan'),
    entries: z.array(z.unknown()).transform(knownOnly(z.object({ content: z.string(), status: z.string().catch('') }))),
  }),
  z.object({
    sessionUpdate: z.literal('usage_update'),
    used: z.number().nonnegative(),
    size: z.number().nonnegative(),
    cost: z.object({ amount: z.number().nonnegative(), currency: z.string() }).nullish().catch(undefined),
  }),
  z.object({ sessionUpdate: z.literal('notice'), severity: z.string(), title: z.string(), description: text }),
  z.object({ sessionUpdate: z.literal('compaction_update'), status: z.string(), error: text }),
]);
export type SessionUpdate = z.infer<typeof knownUpdateSchema>;
const sessionUpdateSchema = z.object({ sessionId: z.string(), update: knownUpdateSchema });

export const permissionRequestSchema = z.object({
  toolCall: toolUpdateSchema,
  options: z.array(z.object({ optionId: z.string(), name: z.string().catch(''), kind: z.string().catch('') })),
});
export type PermissionRequest = z.infer<typeof permissionRequestSchema>;

const choiceSchema = z.object({ const: z.string(), title: z.string().optional(), description: text });
const propertySchema = z.object({
  type: z.string(),
  title: text,
  description: text,
  enum: z.array(z.string()).optional().catch(undefined),
  oneOf: z.array(choiceSchema).optional().catch(undefined),
  items: z
    .object({
      enum: z.array(z.string()).optional().catch(undefined),
      anyOf: z.array(choiceSchema).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});
export type FormProperty = z.infer<typeof propertySchema>;
export const formRequestSchema = z.object({
  mode: z.literal('form'),
  message: z.string(),
  toolCallId: text,
  requestedSchema: z.object({
    properties: z.record(z.string(), propertySchema).default({}),
    required: z.array(z.string()).nullish(),
  }),
});
export type FormRequest = z.infer<typeof formRequestSchema>;

export const promptAnswerSchema = z.object({
  stopReason: z.string(),
  usage: z
    .object({ inputTokens: z.number().nonnegative(), outputTokens: z.number().nonnegative() })
    .nullish()
    .catch(undefined),
});

export const initializeAnswerSchema = z.object({
  agentCapabilities: z
    .object({
      loadSession: z.boolean().catch(false).default(false),
      sessionCapabilities: record.nullish().catch(undefined),
      promptCapabilities: z
        .object({ image: z.boolean().catch(false).default(false) })
        .nullish()
        .catch(undefined),
    })
    .default({ loadSession: false }),
});

export const sessionAnswerSchema = z.object({
  sessionId: text,
  configOptions: z
    .array(z.unknown())
    .transform(knownOnly(z.object({ id: z.string(), category: text })))
    .nullish()
    .catch(undefined),
});

const errorSchema = z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() });
export type WireError = z.infer<typeof errorSchema>;

export type Incoming =
  | { readonly type: 'update'; readonly sessionId: string; readonly update: SessionUpdate }
  | { readonly type: 'request'; readonly id: RequestId; readonly method: string; readonly params: unknown }
  /** The agent takes back a request of its own. */
  | { readonly type: 'withdrawn'; readonly id: RequestId }
  | { readonly type: 'answer'; readonly id: RequestId; readonly result: unknown; readonly error: WireError | null }
  /** Valid, and of no interest to us. */
  | { readonly type: 'other'; readonly what: string };

/** null: not a JSON-RPC message. */
export function parseLine(line: string): Incoming | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  const message = envelopeSchema.safeParse(value);
  if (!message.success) return null;
  const { id, method, params, result, error } = message.data;
  if (method === undefined) {
    return id === undefined || id === null ? null : { type: 'answer', id, result, error: error ?? null };
  }
  if (id !== undefined && id !== null) return { type: 'request', id, method, params };
  if (method === 'session/update') {
    const update = sessionUpdateSchema.safeParse(params);
    return update.success ? { type: 'update', ...update.data } : { type: 'other', what: 'unknown session/update' };
  }
  if (method === '$/cancel_request') {
    const withdrawn = z.object({ requestId: requestIdSchema }).safeParse(params);
    if (withdrawn.success) return { type: 'withdrawn', id: withdrawn.data.requestId };
  }
  return { type: 'other', what: method };
}

const envelopeSchema = z.object({
  jsonrpc: z.literal('2.0'),
  id: requestIdSchema.nullish(),
  method: z.string().optional(),
  params: z.unknown().optional(),
  result: z.unknown().optional(),
  error: errorSchema.optional(),
});

export type Outgoing =
  | { readonly id: RequestId; readonly method: string; readonly params: object }
  | { readonly method: string; readonly params: object }
  | { readonly id: RequestId; readonly result: object }
  | { readonly id: RequestId; readonly error: { readonly code: number; readonly message: string } };

/** One line, as bytes. */
export function encodeMessage(message: Outgoing): Uint8Array {
  return Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

/** The items that fit; the others are of a kind we do not know. */
function knownOnly<T extends z.ZodType>(schema: T): (items: unknown[]) => z.infer<T>[] {
  return (items) =>
    items.flatMap((item) => {
      const known = schema.safeParse(item);
      return known.success ? [known.data] : [];
    });
}
