import type { ExportHead } from '@holdfast/protocol/export.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { expect, it } from 'vitest';
import { fenced, inlineCode, plain } from '../../src/export/markdown.ts';
import { emptyMarkdown, factMarkdown, headMarkdown } from '../../src/export/transcript-markdown.ts';

const ada = { kind: 'user', id: 'u', name: 'Ada', device: 'Pixel 9' } as const;
const turnId = 't1';

const head: ExportHead = {
  version: 1,
  exportedAt: '2026-02-01T08:00:00.000Z',
  oldestSeq: 1,
  lastSeq: 20,
  session: {
    id: 's1',
    kind: 'agent',
    workspaceId: 'w',
    ownerId: 'u',
    runnerId: 'r',
    runnerOnline: true,
    title: 'Fix <login> bug',
    status: 'active',
    createdAt: '2026-01-01T00:00:00.000Z',
    lastActivityAt: '2026-01-01T00:00:19.000Z',
    lastSeq: 20,
    oldestSeq: 1,
    pinned: false,
    archived: true,
    agent: { provider: 'claude', model: 'sonnet', mode: 'agent', turn: null, queueLength: 0, pendingApprovals: 0 },
  },
};

/** A second apart. */
function markdownOf(drafts: readonly FactDraft[]): string {
  let state = emptyMarkdown;
  return drafts
    .map((draft, index) => {
      const at = new Date(Date.UTC(2026, 0, 1, 0, 0, index)).toISOString();
      const step = factMarkdown(state, { ...draft, seq: index + 1, at });
      state = step.state;
      return step.text;
    })
    .join('');
}

it('EXPORT3: a conversation reads as one: who said what, what was done and asked, how it ended', () => {
  const asked = {
    approvalId: 'a1',
    turnId,
    toolCallId: 'c2',
    kind: 'permission' as const,
    tool: 'Bash',
    title: 'git push',
    input: { command: 'git push' },
    scopes: ['once' as const],
  };
  const text = markdownOf([
    { type: 'message.user', data: { messageId: 'm1', turnId, text: 'make it pass' }, actor: ada },
    { type: 'turn.started', data: { turnId, generation: 1, messageId: 'm1' } },
    { type: 'message.assistant', data: { blockId: 'b', turnId, kind: 'text', text: 'Looking.' } },
    {
      type: 'tool.started',
      data: { toolCallId: 'c1', turnId, tool: 'Read', title: 'a.ts', input: { file_path: 'a.ts' } },
    },
    {
      type: 'tool.finished',
      data: { toolCallId: 'c1', outcome: 'succeeded', output: { text: 'const a = 1;', bytes: 12, cut: false } },
    },
    { type: 'approval.requested', data: asked },
    { type: 'approval.requested', data: asked },
    { type: 'approval.answered', data: { approvalId: 'a1', answer: { decision: 'deny', message: 'no' } }, actor: ada },
    { type: 'usage', data: { turnId, inputTokens: 10, outputTokens: 5, costUsd: 0.42 } },
    { type: 'turn.ended', data: { turnId, outcome: 'failed', error: { kind: 'internal', message: 'overloaded' } } },
    {
      type: 'turn.started',
      data: { turnId: 'own', generation: 1, messageId: 'own', cause: { kind: 'background', title: 'make *it* ended' } },
    },
  ]);
  expect(text).toBe(`
## Ada (Pixel 9) · 2026-01-01 00:00:00 UTC

\`\`\`markdown
make it pass
\`\`\`

## Agent · 2026-01-01 00:00:02 UTC

\`\`\`markdown
Looking.
\`\`\`

**Tool** \`Read\` \`a.ts\` · 2026-01-01 00:00:03 UTC

\`\`\`json
{
  "file_path": "a.ts"
}
\`\`\`

**Result** of \`Read\`: succeeded · 2026-01-01 00:00:04 UTC

\`\`\`text
const a = 1;
\`\`\`

**Asked to use** \`Bash\` \`git push\` · 2026-01-01 00:00:05 UTC

\`\`\`json
{
  "command": "git push"
}
\`\`\`

**Denied** by Ada (Pixel 9) · 2026-01-01 00:00:07 UTC: \`Bash\` \`git push\`

\`\`\`text
no
\`\`\`

_Turn failed (10 tokens in, 5 out, \\$0.42) · 2026-01-01 00:00:09 UTC_

\`\`\`text
overloaded
\`\`\`

_The agent went on by itself\\: make \\*it\\* ended. · 2026-01-01 00:00:10 UTC_
`);
});

it('EXPORT3: the head says what it is, and that older facts had been removed', () => {
  expect(headMarkdown(head)).toMatch(/^# Fix \\<login\\> bug\n\n- Agent session `s1`\n- Agent: claude sonnet\n/);
  expect(headMarkdown(head)).not.toContain('removed');
  expect(headMarkdown({ ...head, oldestSeq: 702 })).toContain(
    '**What was older, facts 1 to 701, had been removed before this export.**',
  );
});

it('EXPORT3: a long output is its beginning and end, and says how long it was', () => {
  const output = { text: `begin${'x'.repeat(100_000)}end`, bytes: 100_008, cut: false };
  const text = markdownOf([{ type: 'tool.finished', data: { toolCallId: 'c', outcome: 'failed', output } }]);
  expect(text.length).toBeLessThan(5_000);
  expect(text).toMatch(/of `an earlier tool`: failed[^]*Beginning and end of 100008 bytes:[^]*begin[^]*end\n```\n$/);
});

it('EXPORT3: questions with their answers, and what became of the queue', () => {
  const text = markdownOf([
    {
      type: 'question.requested',
      data: {
        approvalId: 'q',
        turnId,
        toolCallId: 'c',
        kind: 'question',
        tool: 'AskUserQuestion',
        title: 'Which?',
        input: {},
        questions: [{ question: 'Which?', multiSelect: false, options: [{ label: 'Red' }, { label: 'Blue' }] }],
        scopes: [],
      },
    },
    {
      type: 'question.answered',
      data: { approvalId: 'q', answer: { decision: 'allow', answers: { 'Which?': 'Blue' } } },
      actor: ada,
    },
    { type: 'message.user', data: { messageId: 'm2', turnId: null, text: 'then this' }, actor: ada },
    { type: 'queue.changed', data: { queue: [{ messageId: 'm2', text: 'then this' }] }, actor: ada },
    { type: 'queue.changed', data: { queue: [{ messageId: 'm2', text: 'then that' }] }, actor: ada },
    { type: 'queue.changed', data: { queue: [], taken: { messageId: 'm2', turnId: 't2' } } },
  ]);
  expect(text).toContain('- Red\n- Blue\n');
  expect(text).toMatch(/\*\*Answered\*\* by Ada \(Pixel 9\)[^]*Which\?\n {2}Blue/);
  expect(text.match(/then this/g)).toHaveLength(1);
  expect(text).toMatch(
    /## Changed in the queue by Ada \(Pixel 9\)[^]*then that[^]*Taken from the queue[^]*`then that`/,
  );
});

it('EXPORT3: blocks and code hold whatever is in them', () => {
  expect(fenced('```\nescaped?\n````')).toBe('`````text\n```\nescaped?\n````\n`````\n');
  expect(fenced('a\r\nb\rc\u001b[31m\u0000')).toBe('```text\na\nb\nc␛[31m␀\n```\n');
  expect(inlineCode('a `b`` c`')).toBe('``` a `b`` c` ```');
  expect(inlineCode('two\nlines')).toBe('`two lines`');
  expect(plain('[x](y) *b* <i> `c` &amp; | \\ a_b')).toBe('\\[x\\](y) \\*b\\* \\<i\\> \\`c\\` \\&amp; \\| \\\\ a\\_b');
});

it('EXPORT3, UPLOAD9: files that went with a message are named', () => {
  const attachments = [{ uploadId: 'u', name: 'a `b`.png', mediaType: 'image/png', size: 3 }];
  const text = markdownOf([
    { type: 'message.user', data: { messageId: 'm1', turnId, text: '', attachments }, actor: ada },
    { type: 'message.user', data: { messageId: 'm2', turnId, text: 'no files' }, actor: ada },
  ]);
  expect(text.match(/^Attached: .*$/gm)).toEqual(['Attached: ``a `b`.png`` (image/png, 3 bytes)']);
});
