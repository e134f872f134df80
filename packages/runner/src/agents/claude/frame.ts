/** Frames that this driver writes to the agent itself, beside those of the SDK, and the ids that tie them together. */
import { createHash } from 'node:crypto';

/** A UUID that follows from the message's id: the same prompt has the same one in every driver (TURN4). */
export function promptUuid(messageId: string): string {
  const hash = createHash('sha256').update(`holdfast prompt ${messageId}`).digest('hex');
  // Version 8 (custom) and the RFC 9562 variant.
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`;
}

/** It follows from where the agent told that it began: the same in every driver (TURN5). */
export const ownTurnId = (processId: string, position: number): string =>
  `own_${createHash('sha256').update(`${processId} ${position}`).digest('hex').slice(0, 32)}`;

const longestId = 64;

/** The approval's id follows from its tool call (APPR1). */
export function approvalIdOf(toolCallId: string): string {
  const plain = `a_${toolCallId.replace(/[^A-Za-z0-9_-]/g, '_')}`;
  if (plain.length <= longestId && plain === `a_${toolCallId}`) return plain;
  return `a_${createHash('sha256')
    .update(toolCallId)
    .digest('hex')
    .slice(0, longestId - 2)}`;
}

const ownPrefix = 'holdfast:';
const appliedPrefix = `${ownPrefix}applied:`;

/** An answer of the agent to a frame of ours: the SDK did not ask and must not see it. */
export const isOwnRequestId = (requestId: string): boolean => requestId.startsWith(ownPrefix);

/**
 * A question that changes nothing, written right behind an approval's answer. The agent reads its input in order, so
 * its reply proves that the answer was taken, and gives that fact a position in the stream of its own (APPR3).
 */
export const appliedProbe = (approvalId: string): string =>
  `${JSON.stringify({
    type: 'control_request',
    request_id: `${appliedPrefix}${approvalId}`,
    request: { subtype: 'mcp_status' },
  })}\n`;

/** The approval whose probe this request was, or null. */
export const probedApproval = (requestId: string): string | null =>
  requestId.startsWith(appliedPrefix) ? requestId.slice(appliedPrefix.length) : null;

/** Ends the running turn, and also drops a prompt that waits to be taken up. attempt tells repeats apart. */
export const interruptFrame = (turnId: string, attempt: number): string =>
  `${JSON.stringify({
    type: 'control_request',
    request_id: `${ownPrefix}stop:${turnId}:${attempt}`,
    request: { subtype: 'interrupt', cancel_queued: true },
  })}\n`;

/** asks: the agent must ask leave for the call, whatever it would allow by itself. Else it goes on as it would have. */
export const hookReply = (requestId: string, asks: boolean): string =>
  `${JSON.stringify({
    type: 'control_response',
    response: {
      subtype: 'success',
      request_id: requestId,
      response: asks ? { hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'ask' } } : {},
    },
  })}\n`;
