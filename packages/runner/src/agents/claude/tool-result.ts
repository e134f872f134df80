/** How a tool call came out, from the result the agent gives the model and what it notes about it. */
import type { FactData } from '@holdfast/protocol/fact.ts';
import { z } from 'zod';
import { cutText } from '../cut-text.ts';
import { diffOf } from './diff.ts';
import type { ToolResultBlock, ToolResultMeta } from './message.ts';

const interruptedSchema = z.object({ interrupted: z.literal(true) });
/** Why a call was cut off by the person's stop, as against refused. */
const stoppedKinds: ReadonlySet<string> = new Set(['user-rejected', 'interrupted', 'cancelled']);

export function toolFinished(
  block: ToolResultBlock,
  meta: ToolResultMeta | undefined,
  structure: unknown,
): FactData<'tool.finished'> {
  const text = block.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
  const diff = block.is_error === true ? undefined : diffOf(structure);
  return {
    toolCallId: block.tool_use_id,
    outcome: outcomeOf(block, meta, structure),
    output: cutText(text),
    ...(diff === undefined ? {} : { diff }),
  };
}

function outcomeOf(
  block: ToolResultBlock,
  meta: ToolResultMeta | undefined,
  structure: unknown,
): FactData<'tool.finished'>['outcome'] {
  if (meta?.permission_decision?.decision === 'reject') return 'denied';
  if (meta?.non_execution_kind !== undefined) {
    return stoppedKinds.has(meta.non_execution_kind) ? 'stopped' : 'denied';
  }
  if (interruptedSchema.safeParse(structure).success) return 'stopped';
  return block.is_error === true ? 'failed' : 'succeeded';
}
