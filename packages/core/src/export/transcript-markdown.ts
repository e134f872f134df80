/**
 * A session's log as a document a person reads: who said what and when, what was done, asked and answered, how turns
 * ended. Written fact by fact, so that a log of any length can pass through; what is remembered meanwhile is only what
 * is open: tools that run, questions without an answer, messages in the queue.
 */
import type { Actor, ApprovalAnswer, Question } from '@holdfast/protocol/approval.ts';
import type { ExportHead } from '@holdfast/protocol/export.ts';
import type { CutText, Fact, FactData } from '@holdfast/protocol/fact.ts';
import type { Attachment } from '@holdfast/protocol/upload.ts';
import { causeWords } from '../words/cause-words.ts';
import { fenced, inlineCode, plain } from './markdown.ts';

export interface MarkdownState {
  /** Tools that run, by id: their name. */
  readonly tools: ReadonlyMap<string, string>;
  /** What was asked and not settled, by approval id: what it was about. */
  readonly asked: ReadonlyMap<string, string>;
  /** Messages that wait, by id: their text. */
  readonly queued: ReadonlyMap<string, string>;
  /** The latest of the turn that is open. */
  readonly usage: FactData<'usage'> | null;
}

export const emptyMarkdown: MarkdownState = { tools: new Map(), asked: new Map(), queued: new Map(), usage: null };

/** UTF-16 units of a tool's output that are shown; more is cut to its beginning and its end. */
const outputShown = 4_000;

export function headMarkdown({ session, exportedAt, oldestSeq, lastSeq }: ExportHead): string {
  const { agent } = session;
  const lines = [
    `${session.kind === 'agent' ? 'Agent session' : 'Terminal'} ${inlineCode(session.id)}`,
    ...(agent === undefined ? [] : [`Agent: ${plain([agent.provider, agent.model ?? ''].join(' '))}`]),
    `Begun ${moment(session.createdAt)}, last activity ${moment(session.lastActivityAt)}`,
    `Exported ${moment(exportedAt)}: facts ${oldestSeq} to ${lastSeq}`,
  ];
  const removed =
    oldestSeq > 1 ? `\n**What was older, facts 1 to ${oldestSeq - 1}, had been removed before this export.**\n` : '';
  return `# ${plain(session.title)}\n\n${lines.map((line) => `- ${line}\n`).join('')}${removed}`;
}

/** The last screen of a terminal that ended. */
export const screenMarkdown = (text: string): string => `\n## Last screen\n\n${fenced(text)}`;

/** The files themselves are not part of a log. */
function attachedMarkdown(attachments: readonly Attachment[]): string {
  const files = attachments.map(({ name, mediaType, size }) => `${inlineCode(name)} (${mediaType}, ${size} bytes)`);
  return files.length === 0 ? '' : `\nAttached: ${files.join(', ')}\n`;
}

/** text: empty for a fact that tells a reader nothing. */
export function factMarkdown(state: MarkdownState, fact: Fact): { state: MarkdownState; text: string } {
  const same = (text: string): { state: MarkdownState; text: string } => ({ state, text });
  switch (fact.type) {
    case 'message.user': {
      const { messageId, turnId, text, attachments = [] } = fact.data;
      const waits = turnId === null ? ', put into the queue' : '';
      return {
        state: turnId === null ? { ...state, queued: withEntry(state.queued, messageId, text) } : state,
        text: `${heading(`${who(fact.actor)}${waits}`, fact)}\n${fenced(text, 'markdown')}${attachedMarkdown(attachments)}`,
      };
    }
    case 'queue.changed':
      return queueMarkdown(state, fact);
    case 'message.assistant': {
      const { kind, text, partial = false, parentToolCallId } = fact.data;
      const speaker = `Agent${parentToolCallId === undefined ? '' : ' (sub-agent)'}${kind === 'thinking' ? ', thinking' : ''}`;
      const end = partial ? '\nCut off here.\n' : '';
      return same(`${heading(speaker, fact)}\n${fenced(text, 'markdown')}${end}`);
    }
    case 'tool.started': {
      const { toolCallId, tool, title, input } = fact.data;
      const line = `**Tool** ${inlineCode(tool)} ${inlineCode(title)} · ${moment(fact.at)}`;
      return {
        state: { ...state, tools: withEntry(state.tools, toolCallId, tool) },
        text: `\n${line}\n\n${fenced(JSON.stringify(input, null, 2), 'json')}`,
      };
    }
    case 'tool.finished': {
      const { toolCallId, outcome, output, diff } = fact.data;
      const line = `**Result** of ${inlineCode(state.tools.get(toolCallId) ?? 'an earlier tool')}: ${outcome}`;
      const change = diff === undefined ? '' : `\nChanged ${inlineCode(diff.path)}\n\n${fenced(diff.patch, 'diff')}`;
      return {
        state: { ...state, tools: without(state.tools, toolCallId) },
        text: `\n${line} · ${moment(fact.at)}\n${outputMarkdown(output)}${change}`,
      };
    }
    case 'approval.requested':
    case 'question.requested': {
      const { approvalId, kind, tool, title, input, questions = [] } = fact.data;
      // Asked again after a crash: the same question.
      if (state.asked.has(approvalId)) return same('');
      const about = kind === 'permission' ? `${inlineCode(tool)} ${inlineCode(title)}` : inlineCode(title);
      const asks = { permission: 'Asked to use', question: 'Asked', plan: 'Asked to go on with a plan' }[kind];
      const shown =
        questions.length > 0
          ? questions.map(questionMarkdown).join('')
          : `\n${fenced(JSON.stringify(input, null, 2), 'json')}`;
      return {
        state: { ...state, asked: withEntry(state.asked, approvalId, about) },
        text: `\n**${asks}** ${about} · ${moment(fact.at)}\n${shown}`,
      };
    }
    case 'approval.answered':
    case 'question.answered': {
      const about = state.asked.get(fact.data.approvalId) ?? 'what was asked earlier';
      return {
        state: { ...state, asked: without(state.asked, fact.data.approvalId) },
        text: `\n${answerMarkdown(fact.data.answer, about, `${who(fact.actor)} · ${moment(fact.at)}`)}`,
      };
    }
    case 'approval.expired': {
      const about = state.asked.get(fact.data.approvalId);
      if (about === undefined) return same('');
      const why = fact.data.reason === 'turn_ended' ? 'the turn had ended' : 'the agent took it back';
      return {
        state: { ...state, asked: without(state.asked, fact.data.approvalId) },
        text: `\nNot answered: ${about}, ${why} · ${moment(fact.at)}\n`,
      };
    }
    case 'turn.started':
      return same(
        fact.data.cause === undefined ? '' : `\n_${plain(causeWords(fact.data.cause))} · ${moment(fact.at)}_\n`,
      );
    case 'turn.notice':
      return same(`\n${fact.data.level === 'warning' ? '**Warning**' : 'Notice'}: ${plain(fact.data.text)}\n`);
    case 'usage':
      return { state: { ...state, usage: fact.data }, text: '' };
    case 'turn.ended':
      return {
        state: turnOver(state),
        text: `\n_Turn ${fact.data.outcome}${usageWords(state.usage, fact.data.turnId)} · ${moment(fact.at)}_\n${errorMarkdown(fact.data.error)}`,
      };
    case 'turn.interrupted': {
      const { reason, tool } = fact.data;
      const why = { agent_died: 'the agent died', runner_lost: 'the runner was lost', discarded: 'left by the person' };
      const during = tool === undefined ? '' : ` during ${inlineCode(tool)}`;
      return { state: turnOver(state), text: `\n_Turn interrupted${during}: ${why[reason]} · ${moment(fact.at)}_\n` };
    }
    case 'mode.changed':
      return same(`\nMode: ${fact.data.mode}, by ${who(fact.actor)} · ${moment(fact.at)}\n`);
    case 'model.changed':
      return same(`\nModel: ${plain(fact.data.model)} · ${moment(fact.at)}\n`);
    case 'session.renamed':
      return same(`\nRenamed to “${plain(fact.data.title)}” by ${who(fact.actor)} · ${moment(fact.at)}\n`);
    case 'terminal.exited': {
      const { exitCode, signal } = fact.data;
      const how = signal === null ? `with code ${exitCode ?? 'unknown'}` : `by ${plain(signal)}`;
      return same(`\nThe shell ended ${how} · ${moment(fact.at)}\n`);
    }
    case 'session.ended':
      return same(`\n_Session ended: ${fact.data.reason} · ${moment(fact.at)}_\n`);
    case 'session.failed':
      return same(`\n_Session could not start · ${moment(fact.at)}_\n${errorMarkdown(fact.data.error)}`);
    // Nothing that anybody said or did, or told by another fact.
    default:
      return same('');
  }
}

function queueMarkdown(
  state: MarkdownState,
  fact: Extract<Fact, { type: 'queue.changed' }>,
): { state: MarkdownState; text: string } {
  const { queue, taken } = fact.data;
  const left = new Set(queue.map(({ messageId }) => messageId));
  let text = '';
  for (const { messageId, text: now } of queue) {
    const before = state.queued.get(messageId);
    if (before === now) continue;
    const what = before === undefined ? 'Waits in the queue' : `Changed in the queue by ${who(fact.actor)}`;
    text += `${heading(what, fact)}\n${fenced(now, 'markdown')}`;
  }
  for (const [messageId, before] of state.queued) {
    if (left.has(messageId)) continue;
    const what =
      taken?.messageId === messageId ? 'Taken from the queue' : `Removed from the queue by ${who(fact.actor)}`;
    text += `\n${what} · ${moment(fact.at)}: ${inlineCode(firstWords(before))}\n`;
  }
  return { state: { ...state, queued: new Map(queue.map((message) => [message.messageId, message.text])) }, text };
}

/** What a turn leaves open is told by no later fact. */
const turnOver = (state: MarkdownState): MarkdownState => ({
  ...state,
  tools: new Map(),
  asked: new Map(),
  usage: null,
});

function outputMarkdown({ text, bytes, cut }: CutText): string {
  if (text === '') return '';
  const shown =
    text.length <= outputShown ? text : `${text.slice(0, outputShown / 2)}\n…\n${text.slice(-outputShown / 2)}`;
  const whole = cut || shown !== text ? `\nBeginning and end of ${bytes} bytes:\n` : '';
  return `${whole}\n${fenced(shown)}`;
}

function questionMarkdown({ question, options }: Question): string {
  const choices = options.map(
    ({ label, description }) => `- ${plain(label)}${description === undefined ? '' : `: ${plain(description)}`}\n`,
  );
  return `\n${fenced(question)}\n${choices.join('')}`;
}

function answerMarkdown(answer: ApprovalAnswer, about: string, by: string): string {
  const { decision, scope, message, updatedInput, answers } = answer;
  const given = answers !== undefined && Object.keys(answers).length > 0;
  const verb =
    decision === 'deny'
      ? 'Denied'
      : given
        ? 'Answered'
        : scope === 'session'
          ? 'Allowed for the session'
          : 'Allowed once';
  const more = [
    ...(message === undefined ? [] : [fenced(message)]),
    ...(updatedInput === undefined
      ? []
      : [`With this in its place:\n\n${fenced(JSON.stringify(updatedInput, null, 2), 'json')}`]),
    ...(given
      ? [
          fenced(
            Object.entries(answers)
              .map(([question, chosen]) => `${question}\n  ${chosen}`)
              .join('\n'),
          ),
        ]
      : []),
  ];
  return [`**${verb}** by ${by}: ${about}\n`, ...more].join('\n');
}

const errorMarkdown = (error: { readonly message: string } | undefined): string =>
  error === undefined ? '' : `\n${fenced(error.message)}`;

function usageWords(usage: MarkdownState['usage'], turnId: string): string {
  if (usage === null || usage.turnId !== turnId) return '';
  const cost = usage.costUsd === undefined ? '' : `, $${usage.costUsd.toFixed(2)}`;
  return ` (${usage.inputTokens} tokens in, ${usage.outputTokens} out${cost})`.replaceAll('$', '\\$');
}

const heading = (what: string, { at }: Fact): string => `\n## ${what} · ${moment(at)}\n`;

function who(actor: Actor | undefined): string {
  if (actor === undefined || actor.kind === 'system') return 'the server';
  const name = actor.name ?? (actor.kind === 'agent' ? 'Agent' : 'Somebody');
  return plain(actor.device === undefined ? name : `${name} (${actor.device})`);
}

/** "2026-11-21 14:02:15 UTC". */
const moment = (at: string): string => `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;

const firstWords = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

function withEntry(map: ReadonlyMap<string, string>, key: string, value: string): ReadonlyMap<string, string> {
  return new Map(map).set(key, value);
}

function without(map: ReadonlyMap<string, string>, key: string): ReadonlyMap<string, string> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
