/** A session's log as plain lines for a terminal: who said what, what was done and asked, how it ended. Pure. */
import type { Actor } from '@holdfast/protocol/approval.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import { causeWords } from '@holdfast/core/words/cause-words.ts';
import { errorWords, localTime } from './outcome.ts';
import { plain, plainLine } from './output.ts';

/** Lines of one output that are shown. */
const outputLines = 8;

/** Empty for a fact that tells a reader nothing. */
export function factLines(fact: Fact): readonly string[] {
  const head = (words: string): string => `${words} · ${localTime(fact.at)}`;
  switch (fact.type) {
    case 'message.user': {
      const { text, turnId, attachments = [] } = fact.data;
      const files = attachments.map(({ name }) => `[file] ${plainLine(name)}`);
      return ['', head(turnId === null ? `${who(fact.actor)}, queued` : who(fact.actor)), ...indented(text), ...files];
    }
    case 'queue.changed': {
      const { taken } = fact.data;
      return taken?.text === undefined
        ? []
        : ['', head(`${who(taken.actor)}, from the queue`), ...indented(taken.text)];
    }
    case 'message.assistant': {
      const { kind, text, partial = false } = fact.data;
      const end = partial ? ['  [cut off here]'] : [];
      return ['', head(kind === 'thinking' ? 'Agent, thinking' : 'Agent'), ...indented(text), ...end];
    }
    case 'tool.started':
      return [`> ${plainLine(fact.data.tool)}: ${plainLine(fact.data.title)}`];
    case 'tool.finished': {
      const lines = indented(fact.data.output.text);
      const hidden = lines.length - outputLines;
      const shown = hidden > 0 ? [...lines.slice(0, outputLines), `  … ${hidden} more lines`] : lines;
      return [`  ${fact.data.outcome}`, ...(fact.data.output.text.trim() === '' ? [] : shown)];
    }
    case 'approval.requested':
      return [
        `? ${plainLine(fact.data.tool)}: ${plainLine(fact.data.title)} · waits for you as ${fact.data.approvalId}`,
      ];
    case 'question.requested': {
      const questions = (fact.data.questions ?? []).map(({ question }) => `  ${plainLine(question, 500)}`);
      return [`? Question · waits for you as ${fact.data.approvalId}`, ...questions];
    }
    case 'approval.answered':
      return [`  ${fact.data.answer.decision === 'allow' ? 'Allowed' : 'Denied'} by ${who(fact.actor)}`];
    case 'question.answered':
      return [
        `  Answered by ${who(fact.actor)}`,
        ...Object.values(fact.data.answer.answers ?? {}).flatMap((answer) => indented(answer)),
      ];
    case 'approval.expired':
      return ['  Not asked any more'];
    case 'turn.ended': {
      const { outcome, error } = fact.data;
      return [
        '',
        head(outcome === 'completed' ? 'Done' : outcome === 'stopped' ? 'Stopped' : 'Failed'),
        ...(error === undefined ? [] : [`  ${errorWords(error)}`]),
      ];
    }
    case 'turn.started':
      return fact.data.cause === undefined ? [] : ['', plainLine(causeWords(fact.data.cause), 500)];
    case 'turn.interrupted':
      return ['', head(fact.data.reason === 'discarded' ? 'Left' : 'Interrupted')];
    case 'turn.notice':
      return [`! ${plainLine(fact.data.text, 500)}`];
    case 'session.ended':
    case 'terminal.exited':
      return ['', head('Ended')];
    case 'session.failed':
      return ['', head('Could not start'), `  ${errorWords(fact.data.error)}`];
    case 'mode.changed':
      return [`Mode: ${fact.data.mode}`];
    case 'model.changed':
      return [`Model: ${plainLine(fact.data.model)}`];
    case 'session.created':
    case 'session.started':
    case 'session.stopping':
    case 'session.renamed':
    case 'approval.applied':
    case 'turn.stopping':
    case 'usage':
    case 'driver.changed':
    case 'terminal.resized':
    case 'terminal.recording.started':
    case 'terminal.recording.ended':
    case 'agent.conversation':
      return [];
  }
}

const indented = (text: string): string[] =>
  plain(text)
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`.trimEnd());

function who(actor: Actor | undefined): string {
  if (actor === undefined) return 'You';
  const name = actor.name ?? (actor.kind === 'user' ? 'You' : actor.kind);
  return plainLine(actor.device === undefined ? name : `${name}, ${actor.device}`);
}
