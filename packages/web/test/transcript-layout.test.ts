import { describe, expect, it } from 'vitest';
import { foldFacts } from '@holdfast/core/client/fold.ts';
import { newTranscript } from '@holdfast/core/client/transcript.ts';
import { causeWords } from '@holdfast/core/words/cause-words.ts';
import type { Fact, FactDraft } from '@holdfast/protocol/fact.ts';
import type { ToolCallItem, TranscriptItem } from '@holdfast/core/client/transcript-item.ts';
import { cutOutput } from '#lib/agent/output-cut.ts';
import { parsePatch } from '#lib/agent/patch.ts';
import { withoutName } from '#lib/agent/tool-title.ts';
import { runWords, transcriptRows } from '#lib/agent/transcript-rows.ts';
import { inputPreview, patchOf } from '#lib/approval/input-preview.ts';
import { answersOf } from '#lib/approval/question-answers.ts';

const tool = (id: string, turnId = 't1', state: ToolCallItem['state'] = 'succeeded', name = 'Bash'): ToolCallItem => ({
  type: 'tool',
  key: `tool:${id}`,
  seq: 1,
  at: '2026-11-21T10:00:00.000Z',
  toolCallId: id,
  turnId,
  tool: name,
  title: id,
  input: {},
  state,
  output: null,
  diff: null,
  finishedAt: null,
  children: [],
});
const text = (id: string): TranscriptItem => ({
  type: 'assistant',
  key: `block:${id}`,
  seq: 1,
  at: '2026-11-21T10:00:00.000Z',
  blockId: id,
  turnId: 't1',
  kind: 'text',
  text: id,
  partial: false,
});

describe('the transcript’s rows', () => {
  const run = ['1', '2', '3', '4'].map((id) => tool(id));

  it('PAGE1: a finished run of tool calls folds into one row, and its key stays when the log grows', () => {
    const rows = transcriptRows([text('a'), ...run], null);
    expect(rows.map((row) => row.key)).toEqual(['block:a', 'run:tool:1']);
    expect(transcriptRows([text('a'), ...run, text('b')], null)[1]?.key).toBe('run:tool:1');
  });

  it('PAGE1: nothing folds while its turn is open, and short runs never do', () => {
    expect(transcriptRows(run, 't1').every((row) => row.type === 'item')).toBe(true);
    expect(transcriptRows(run.slice(1), null).every((row) => row.type === 'item')).toBe(true);
  });

  it('PAGE1: every item is drawn once, whatever is folded', () => {
    const items = [text('a'), ...run, text('b'), tool('5'), tool('6', 't2', 'running')];
    const drawn = transcriptRows(items, 't2').flatMap((row): readonly TranscriptItem[] =>
      row.type === 'run' ? row.tools : [row.item],
    );
    expect(drawn).toEqual(items);
  });

  it('TURN17, PAGE1: a turn that no message began stands there with what began it, and runs until it has ended', () => {
    const at = '2026-11-21T10:00:00.000Z';
    const facts = (
      [
        {
          type: 'session.created',
          data: { kind: 'agent', workspaceId: 'w', title: 't', agent: { provider: 'claude' } },
        },
        {
          type: 'turn.started',
          data: {
            turnId: 'own',
            generation: 1,
            messageId: 'own',
            cause: { kind: 'background', title: 'the sub-agent “look” has failed' },
          },
        },
        { type: 'turn.ended', data: { turnId: 'own', outcome: 'completed' } },
      ] satisfies FactDraft[]
    ).map((fact, index): Fact => ({ ...fact, seq: index + 1, at }));
    const open = foldFacts(newTranscript('s'), facts.slice(0, 2));
    expect(open.turn?.phase).toBe('running');
    const [row] = transcriptRows(open.items, 'own');
    const item = row?.type === 'item' && row.item.type === 'own-turn' ? row.item : null;
    expect(item && causeWords(item.cause)).toBe('The agent went on by itself: the sub-agent “look” has failed.');
    expect(causeWords({ kind: 'schedule' })).toBe('The agent went on by itself: an alarm it had set went off.');
    expect(causeWords({ kind: 'unknown' })).toBe('The agent went on by itself.');
    const over = foldFacts(open, facts);
    expect(over.turn).toBeNull();
    expect(over.items.at(-1)).toMatchObject({ type: 'turn-end', outcome: 'completed', startedAt: at });
  });

  it('PAGE1: a run says what was used, most first', () => {
    expect(runWords([tool('1', 't1', 'succeeded', 'Read'), tool('2'), tool('3')])).toBe('Bash 2 · Read');
  });
});

describe('what is drawn of tools', () => {
  it('PAGE1: a patch keeps its lines and their numbers', () => {
    const parsed = parsePatch(
      '--- a/x\n+++ b/x\n@@ -3,2 +3,3 @@ head\n one\n-two\n+2\n+zwei\n@@ -9 +10 @@\n--- nine\n\\ No newline at end of file\n',
    );
    expect(parsed).toMatchObject({ added: 2, removed: 2 });
    expect(parsed.rows.map(({ kind, before, after, text: body }) => [kind, before, after, body])).toEqual([
      ['context', 3, 3, 'one'],
      ['remove', 4, null, 'two'],
      ['add', null, 4, '2'],
      ['add', null, 5, 'zwei'],
      ['gap', null, null, ''],
      ['remove', 9, null, '-- nine'],
    ]);
  });

  it('PAGE1: a long output loses nothing but what it says it hides', () => {
    const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`);
    const cut = cutOutput(lines.join('\n'), 10, 5);
    expect(cut.head.split('\n')).toEqual(lines.slice(0, 10));
    expect(cut.tail?.split('\n')).toEqual(lines.slice(-5));
    expect(cut.hidden).toBe(85);
    expect(cutOutput('a\nb\n')).toEqual({ head: 'a\nb', tail: null, hidden: 0 });
  });

  it('PAGE1: an approval shows the command, the change, the plan or every field', () => {
    expect(inputPreview({ command: 'ls', description: 'List' })).toEqual({
      kind: 'command',
      command: 'ls',
      note: 'List',
    });
    expect(inputPreview({ file_path: 'a.ts', old_string: 'x', new_string: 'y' })).toEqual({
      kind: 'change',
      path: 'a.ts',
      removed: 'x',
      added: 'y',
    });
    expect(inputPreview({ plan: '# Go' })).toEqual({ kind: 'plan', markdown: '# Go' });
    expect(inputPreview({ url: 'https://x', deep: { a: 1 } })).toEqual({
      kind: 'fields',
      fields: [
        { name: 'url', value: 'https://x' },
        { name: 'deep', value: '{\n  "a": 1\n}' },
      ],
    });
    expect(parsePatch(patchOf('a\n', 'b\nc')).rows.map((row) => row.text)).toEqual(['a', 'b', 'c']);
  });

  it('PAGE1: a tool call’s line says its name once', () => {
    expect(withoutName('write notes.md', 'write')).toBe('notes.md');
    expect(withoutName('Bash: npm test', 'Bash')).toBe('npm test');
    expect(withoutName('Read', 'Read')).toBe('');
    expect(withoutName('Reading list', 'Read')).toBe('Reading list');
    expect(withoutName('npm test', 'Bash')).toBe('npm test');
  });

  it('APPR1: the answer to a question names the chosen labels and the free text', () => {
    const question = { question: 'Which?', multiSelect: true, options: [{ label: 'A' }, { label: 'B' }] };
    expect(answersOf([question], [{ labels: ['A', 'B'], other: ' also C ' }])).toEqual({ 'Which?': 'A, B, also C' });
  });
});
