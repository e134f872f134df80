import {
  factMarkdown,
  emptyMarkdown,
  headMarkdown,
  screenMarkdown,
} from '@holdfast/core/export/transcript-markdown.ts';
import type { ExportHead } from '@holdfast/protocol/export.ts';
import type { Fact, FactDraft } from '@holdfast/protocol/fact.ts';
import fc from 'fast-check';
import { type Token, marked } from 'marked';
import { expect, it } from 'vitest';
import { fixtureSessions } from './fixture/facts.ts';

/** Text as an attacker, or a model that writes about Markdown, would put it together. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom('\n', '\n\n', '\r', '```', '````', '~~~', '`', '> ', '# ', '---', '</pre>', '<script>', '<!--'),
      fc.constantFrom(
        '[a]: http://x\n',
        '[a]',
        '![i](x)',
        '**',
        '_',
        '- ',
        '1. ',
        '| a | b |\n|--|--|\n',
        '    ',
        '\t',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(''));

const at = '2026-01-01T00:00:00.000Z';
const turnId = 't';

/** Every place of a log where text of other people's making stands. */
function factsWith(text: string): Fact[] {
  const actor = { kind: 'user', name: text, device: text } as const;
  const drafts: FactDraft[] = [
    { type: 'message.user', data: { messageId: 'm', turnId: null, text }, actor },
    { type: 'queue.changed', data: { queue: [{ messageId: 'm', text: `${text}!` }] }, actor },
    { type: 'queue.changed', data: { queue: [], taken: { messageId: 'm', turnId } }, actor },
    { type: 'message.assistant', data: { blockId: 'b', turnId, kind: 'text', text } },
    { type: 'tool.started', data: { toolCallId: 'c', turnId, tool: text, title: text, input: { [text]: text } } },
    {
      type: 'tool.finished',
      data: {
        toolCallId: 'c',
        outcome: 'failed',
        output: { text, bytes: 1, cut: true },
        diff: { path: text, patch: text },
      },
    },
    {
      type: 'question.requested',
      data: {
        approvalId: 'a',
        turnId,
        toolCallId: 'c',
        kind: 'question',
        tool: text,
        title: text,
        input: { [text]: text },
        questions: [{ question: text, multiSelect: false, options: [{ label: text, description: text }] }],
        scopes: [],
      },
    },
    {
      type: 'question.answered',
      data: {
        approvalId: 'a',
        answer: { decision: 'allow', message: text, updatedInput: { [text]: text }, answers: { [text]: text } },
      },
      actor,
    },
    { type: 'turn.notice', data: { turnId, level: 'warning', text } },
    { type: 'mode.changed', data: { mode: 'ask' }, actor },
    { type: 'model.changed', data: { model: text }, actor },
    { type: 'session.renamed', data: { title: text }, actor },
    { type: 'turn.interrupted', data: { turnId, reason: 'agent_died', tool: text } },
    { type: 'turn.ended', data: { turnId, outcome: 'failed', error: { kind: 'internal', message: text } } },
    { type: 'terminal.exited', data: { exitCode: null, signal: text } },
  ];
  return drafts.map((draft, index) => ({ ...draft, seq: index + 1, at }));
}

function documentWith(text: string): string {
  const descriptor = fixtureSessions().find((session) => session.descriptor.agent !== undefined)?.descriptor;
  if (descriptor === undefined) throw new Error('no agent session');
  const session = { ...descriptor, title: text, agent: { ...descriptor.agent, model: text } } as ExportHead['session'];
  let state = emptyMarkdown;
  let document = headMarkdown({ version: 1, exportedAt: at, session, oldestSeq: 1, lastSeq: 15 });
  for (const fact of factsWith(text)) {
    const step = factMarkdown(state, fact);
    state = step.state;
    document += step.text;
  }
  return document + screenMarkdown(text);
}

/** The kinds of its blocks and of all in them, without the words. */
function shapeOf(markdown: string): string[] {
  const kinds: string[] = [];
  const walk = (tokens: readonly Token[]): void => {
    for (const token of tokens) {
      if (token.type === 'text' || token.type === 'escape' || token.type === 'space') {
        if ('tokens' in token && token.tokens) walk(token.tokens);
        continue;
      }
      kinds.push(token.type === 'heading' ? `h${String((token as { depth?: number }).depth)}` : token.type);
      if (token.type === 'list') for (const item of (token as { items: Token[] }).items) walk([item]);
      else if (token.type !== 'code' && 'tokens' in token && token.tokens) walk(token.tokens);
    }
  };
  walk(marked.lexer(markdown));
  return kinds;
}

it('EXPORT3: whatever is said, the document has the shape it has when "words" is said', () => {
  const expected = shapeOf(documentWith('words'));
  expect(expected.filter((kind) => kind === 'code').length).toBeGreaterThan(10);
  fc.assert(
    fc.property(hostile, (text) => {
      // Code within a line that would be empty is left out.
      const shape = shapeOf(documentWith(`w${text}w`));
      expect(shape).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});
