/** The transcript with this client's own outbox laid over it: what is on its way is shown as exactly that (PAGE1). */
import type { ApprovalAnswer } from '@holdfast/protocol/approval.ts';
import type { Attachment } from '@holdfast/protocol/upload.ts';
import { type Delay, type DeliveryState, type GivenBack, type OutboxEntry, delayOf, isGivenBack } from './outbox.ts';
import { itemKey } from './transcript-item.ts';
import { type Transcript, itemOf } from './transcript.ts';

/** A message that is not in the log yet. Its key is the one its item will have. */
export interface PendingMessage {
  readonly key: string;
  readonly messageId: string;
  readonly text: string;
  readonly attachments: readonly Attachment[];
  /** ISO 8601. */
  readonly createdAt: string;
  readonly delivery: DeliveryState;
  readonly delay: Delay | null;
}

export interface Overlay {
  /** After all items, in the order they will be sent. */
  readonly pending: readonly PendingMessage[];
  /** Answers given here, by approval id. The card itself changes only with the log. */
  readonly answers: ReadonlyMap<
    string,
    { readonly commandId: string; readonly answer: ApprovalAnswer; readonly delivery: DeliveryState }
  >;
  /** A stop asked for here and not yet in the log; the turn's phase itself is the transcript's. */
  readonly stop: DeliveryState | null;
  /** Commands that need the person: failed or unsure, other than messages and answers. */
  readonly troubled: readonly GivenBack[];
}

/** entries: the outbox, of any sessions. A message's id in the log is the id of the command that sent it. */
export function overlay(transcript: Transcript, sessionId: string, entries: readonly OutboxEntry[]): Overlay {
  const pending: PendingMessage[] = [];
  const answers = new Map<string, { commandId: string; answer: ApprovalAnswer; delivery: DeliveryState }>();
  const troubled: GivenBack[] = [];
  let stop: DeliveryState | null = null;
  for (const entry of entries) {
    if (entry.sessionId !== sessionId) continue;
    const { command, state } = entry;
    if (command.type === 'message.send') {
      if (!isShown(transcript, entry.id)) {
        const { id: messageId, createdAt } = entry;
        const { text, attachments = [] } = command;
        const key = itemKey.message(messageId);
        pending.push({ key, messageId, text, attachments, createdAt, delivery: state, delay: delayOf(entry, entries) });
      }
    } else if (command.type === 'approval.answer') {
      answers.set(command.approvalId, { commandId: entry.id, answer: command.answer, delivery: state });
    } else if (isGivenBack(entry)) {
      troubled.push(entry);
    } else if (command.type === 'turn.stop') {
      if (command.turnId === undefined || command.turnId === transcript.turn?.turnId) stop = state;
    }
  }
  return { pending, answers, stop, troubled };
}

function isShown(transcript: Transcript, messageId: string): boolean {
  return (
    itemOf(transcript, itemKey.message(messageId)) !== undefined ||
    // Its item may stand before what was read.
    transcript.turn?.messageId === messageId ||
    transcript.fold.state?.agent?.nextTurn?.messageId === messageId ||
    transcript.queue.some((message) => message.messageId === messageId)
  );
}
