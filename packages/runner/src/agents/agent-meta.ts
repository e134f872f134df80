/** What the holder keeps for us with an agent's process: the driver's part (AgentMeta) and the runner's. */
import { z } from 'zod';
import { idSchema, offsetSchema } from '@holdfast/protocol/id.ts';
import { agentModeSchema, agentOptionsSchema } from '@holdfast/protocol/session.ts';

const deliveryIdSchema = z.number().int().positive();

export const agentProcessMetaSchema = z.object({
  sessionId: idSchema,
  generation: z.number().int().positive(),
  cwd: z.string(),
  agent: agentOptionsSchema.extend({ mode: agentModeSchema }),
  conversationId: z.string().nullable(),
  turn: z
    .union([
      z.object({ turnId: idSchema, messageId: idSchema, deliveryId: deliveryIdSchema }),
      z.object({ turnId: idSchema, position: offsetSchema }),
    ])
    .nullable(),
  lastTurnId: idSchema.optional(),
  allowedTools: z.array(z.string()).readonly(),
  /** The driver's own notes; nobody else looks inside. */
  driver: z.record(z.string(), z.unknown()).optional(),
  /** The newest turn.start handed to this process. */
  lastDeliveryId: deliveryIdSchema.optional(),
  /** The delivery that started the process. */
  startedBy: deliveryIdSchema.optional(),
  /** The newest delivery that set its mode or its model. */
  settingsBy: deliveryIdSchema.optional(),
  /** Its session was asked to end. */
  stopping: z.boolean().optional(),
});
/** A superset of AgentMeta. */
export type AgentProcessMeta = z.infer<typeof agentProcessMetaSchema>;
