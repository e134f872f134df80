/** What waits for a person: listed, allowed, denied. */
import type { Approval, ApprovalAnswer, ApprovalHint } from '@holdfast/protocol/approval.ts';
import { Failure } from '../../failure.ts';
import { choose, shortIds } from '../choose.ts';
import type { ClientCommand } from '../client-arguments.ts';
import type { CommandLine } from '../command-line.ts';
import { type Outcome, localTime } from '../outcome.ts';
import { plain, plainLine } from '../output.ts';

type Approve = Extract<ClientCommand, { command: 'approve' }>;
type Deny = Extract<ClientCommand, { command: 'deny' }>;

const quiet: Outcome = { exit: 'done', words: '' };

export async function approve(line: CommandLine, { approval, answers, forSession, json }: Approve): Promise<Outcome> {
  if (approval === null) return list(line, json);
  const asked = await find(line, approval);
  if (asked.kind === 'question') {
    return answer(line, asked, { decision: 'allow', answers: answersOf(asked, answers) }, 'Answered');
  }
  if (answers.length > 0) throw new Failure('usage', 'Only a question is answered with words; this asks for leave.');
  if (!forSession) return answer(line, asked, { decision: 'allow' }, 'Allowed once');
  if (!asked.scopes.includes('session')) throw new Failure('usage', 'This can be allowed once only.');
  return answer(line, asked, { decision: 'allow', scope: 'session' }, 'Allowed for the session');
}

export async function deny(line: CommandLine, { approval, feedback, json }: Deny): Promise<Outcome> {
  if (approval === null) return list(line, json);
  const message = feedback.trim() === '' ? {} : { message: feedback };
  return answer(line, await find(line, approval), { decision: 'deny', ...message }, 'Denied');
}

async function list(line: CommandLine, json: boolean): Promise<Outcome> {
  const waiting = line.need(await line.rest.listApprovals({ status: 'pending' }));
  if (json) {
    line.out.say(JSON.stringify(waiting));
    return quiet;
  }
  if (waiting.length === 0 && line.out.tty) line.out.tell('Nothing waits for you.');
  const short = line.out.tty ? shortIds(waiting.map(({ id }) => id)) : (id: string): string => id;
  for (const asked of waiting)
    for (const one of asked.kind === 'question' ? questionLines(asked, short) : leaveLines(asked, short))
      line.out.say(one);
  return quiet;
}

function leaveLines(asked: Approval, short: (id: string) => string): string[] {
  const hints = (asked.hints ?? []).map(hintWords).join(' · ');
  return [
    `${short(asked.id)}  ${plainLine(asked.tool)}: ${plainLine(asked.title)}`,
    `  asked ${localTime(asked.requestedAt)} in session ${asked.sessionId}${hints === '' ? '' : ` · ${hints}`}`,
  ];
}

function questionLines(asked: Approval, short: (id: string) => string): string[] {
  const questions = (asked.questions ?? []).flatMap(({ question, options }) => [
    `  ${plainLine(question, 500)}`,
    ...options.map(({ label }) => `    ${plainLine(label)}`),
  ]);
  return [
    `${short(asked.id)}  Question, asked ${localTime(asked.requestedAt)} in session ${asked.sessionId}`,
    ...questions,
  ];
}

const hintWords = (hint: ApprovalHint): string =>
  hint.kind === 'outside'
    ? `outside the workspace: ${plainLine(hint.path)}`
    : `leaves this machine${hint.to === undefined ? '' : ` to ${plainLine(hint.to)}`}`;

/** One that waits; else one that does no more, so that it can be said who answered. */
async function find(line: CommandLine, text: string): Promise<Approval> {
  const pending = choose(line.need(await line.rest.listApprovals({ status: 'pending' })), text, 'request');
  if (pending.ok || pending.error.kind !== 'not_found') return line.need(pending);
  const settled = line.need(choose(line.need(await line.rest.listApprovals()), text, 'request'));
  throw new Failure('conflict', settledWords(settled));
}

function settledWords({ status, answer: given, answeredBy, answeredAt }: Approval): string {
  if (status === 'expired' || given === undefined) return 'It is not asked any more: its turn has ended.';
  const did = given.decision === 'allow' ? 'allowed' : 'denied';
  const who = [answeredBy?.name ?? 'somebody', ...(answeredBy?.device === undefined ? [] : [answeredBy.device])];
  return `Already ${did} by ${plain(who.join(', '))}${answeredAt === undefined ? '' : `, ${localTime(answeredAt)}`}.`;
}

async function answer(line: CommandLine, asked: Approval, given: ApprovalAnswer, did: string): Promise<Outcome> {
  const outcome = await line.deliver(asked.sessionId, { type: 'approval.answer', approvalId: asked.id, answer: given });
  return outcome.exit === 'done' ? { exit: 'done', words: `${did}: ${plainLine(asked.title)}` } : outcome;
}

/** One for each question, in their order. */
function answersOf(asked: Approval, answers: readonly string[]): Record<string, string> {
  const questions = asked.questions ?? [];
  if (answers.length === questions.length) {
    return Object.fromEntries(questions.map(({ question }, index) => [question, answers[index] ?? '']));
  }
  const wanted = questions.length === 1 ? 'an answer' : `${questions.length} answers, each in quotes`;
  throw new Failure('usage', [`This needs ${wanted}:`, ...questionLines(asked, (id) => id).slice(1)].join('\n'));
}
