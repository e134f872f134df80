/** The lines the SDK writes to the agent: those that must be written exactly once are told from the rest. */
import { z } from 'zod';

export type SdkFrame =
  | { readonly type: 'prompt'; readonly uuid: string }
  | { readonly type: 'answer'; readonly requestId: string; readonly toolCallId: string }
  | { readonly type: 'other' };

const promptSchema = z.object({ type: z.literal('user'), uuid: z.string() });
const answerSchema = z.object({
  type: z.literal('control_response'),
  response: z.object({ request_id: z.string(), response: z.object({ behavior: z.string(), toolUseID: z.string() }) }),
});

/** line: the SDK's own JSON. */
export function parseSdkFrame(line: string): SdkFrame {
  const value: unknown = JSON.parse(line);
  const prompt = promptSchema.safeParse(value);
  if (prompt.success) return { type: 'prompt', uuid: prompt.data.uuid };
  const answer = answerSchema.safeParse(value);
  if (!answer.success) return { type: 'other' };
  const { request_id: requestId, response } = answer.data.response;
  return { type: 'answer', requestId, toolCallId: response.toolUseID };
}
