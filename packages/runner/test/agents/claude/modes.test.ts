/** Mode × tool on the real Claude Code: what its own settings allow included. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { gate } from '@holdfast/testkit/model/gate.ts';
import { type Block, says, text, uses } from '@holdfast/testkit/model/reply.ts';
import type { Conversation } from '@holdfast/testkit/model/conversation.ts';
import { type Outcome, type ToolTier, modeTable, modes, toolTiers } from '../mode-table.ts';
import { Session } from './session.ts';

const mcpServer = fileURLToPath(new URL('./mcp-server.ts', import.meta.url));

const task = 'touch by-the-sub-agent';
const delegation = (prompt: string): Block =>
  uses('Agent', { description: 'a task', prompt, subagent_type: 'general-purpose', run_in_background: false });

const calls: Record<ToolTier, (workspace: string) => Block[]> = {
  'read in the workspace': (workspace) => [uses('Read', { file_path: join(workspace, 'there.txt') })],
  'read outside': () => [uses('Read', { file_path: '/etc/hostname' })],
  'edit in the workspace': (workspace) => [uses('Write', { file_path: join(workspace, 'in.txt'), content: 'x' })],
  'edit outside': (workspace) => [uses('Write', { file_path: join(workspace, '../out.txt'), content: 'x' })],
  'harmless command': () => [uses('Bash', { command: 'echo harmless' })],
  'dangerous command': () => [uses('Bash', { command: 'rm -r there.txt' })],
  'command the settings allow': () => [uses('Bash', { command: 'touch allowed.txt' })],
  'web fetch': () => [uses('WebFetch', { url: 'http://127.0.0.1:9/', prompt: 'x' })],
  'MCP tool': () => [uses('mcp__test__change', { what: 'x' })],
  'sub-agent': () => [delegation('say nothing')],
  'command of a sub-agent': () => [delegation(task)],
};

/** Says the tier as the prompt, the call as the answer, and nothing more. */
async function sessionWithTools(mode: (typeof modes)[number]): Promise<Session> {
  const session = await Session.open(
    (conversation: Conversation) => {
      const { userText, toolResults } = conversation;
      if (toolResults.length > 0) return says('done');
      if (userText.includes(task)) return says(uses('Bash', { command: task }));
      const call = calls[userText.trim() as ToolTier];
      return call === undefined ? says('nothing') : says(...call(session.workspace));
    },
    { mode },
  );
  const config = join(session.directory.path, 'config');
  mkdirSync(config);
  writeFileSync(join(session.workspace, 'there.txt'), 'there\n');
  const permissions = { allow: ['Bash(touch allowed.txt)'] };
  writeFileSync(join(config, 'settings.json'), JSON.stringify({ permissions }));
  const mcpServers = { test: { type: 'stdio', command: process.execPath, args: [mcpServer] } };
  writeFileSync(join(config, '.claude.json'), JSON.stringify({ mcpServers }));
  await session.start();
  return session;
}

/** What became of the call in this turn; whatever waits is denied. */
async function outcomeOf(session: Session, tier: ToolTier): Promise<Outcome> {
  const before = session.facts.length;
  const since = () => session.facts.slice(before);
  const isInside = tier === 'command of a sub-agent';
  await session.send(tier);
  const outcome = await eventually(`what becomes of ${tier}`, (): Outcome | null => {
    for (const fact of since()) {
      if (fact.type === 'approval.requested') return 'asks';
      if (fact.type !== 'tool.finished') continue;
      const { toolCallId, outcome: end } = fact.data;
      const started = since().find((one) => one.type === 'tool.started' && one.data.toolCallId === toolCallId);
      const inside = started?.type === 'tool.started' && started.data.parentToolCallId !== undefined;
      if (inside === isInside) return end === 'denied' ? 'refused' : 'runs';
    }
    return null;
  });
  for (const fact of since()) {
    if (fact.type !== 'approval.requested') continue;
    await session.agent.answer(fact.data.approvalId, fact.data.toolCallId, { decision: 'deny' });
  }
  await eventually('the end', () => since().some((fact) => fact.type === 'turn.ended'));
  return outcome;
}

describe('each tool in each mode', () => {
  it.each(modes)('APPR5, APPR11: %s mode', { timeout: 60_000 }, async (mode) => {
    await using session = await sessionWithTools(mode);
    const found: Partial<Record<ToolTier, Outcome>> = {};
    for (const tier of toolTiers) found[tier] = await outcomeOf(session, tier);
    expect(found).toEqual(Object.fromEntries(toolTiers.map((tier) => [tier, modeTable[tier].claude[mode]])));
    expect(existsSync(join(session.workspace, 'by-the-sub-agent'))).toBe(mode === 'auto');
    expect(existsSync(join(session.workspace, 'there.txt'))).toBe(mode !== 'auto');
  });
});

describe('a call that waits for its hook', () => {
  const hookCalls = /"subtype":"hook_callback"/;

  it('APPR11: a lower mode counts for the next call of the turn that is under way', async () => {
    const lowered = gate();
    const first = says(uses('Bash', { command: 'echo one' }));
    const second = { ...says(text({ text: 'Next.', gate: lowered }), uses('Bash', { command: 'echo two' })) };
    await using session = await Session.open([first, second, says('done')]);
    await session.start();
    await session.send('go');
    expect((await session.fact('tool.finished')).outcome).toBe('succeeded');
    await session.agent.setMode('ask');
    lowered.open();
    expect((await session.fact('tool.finished', 2)).outcome).toBe('denied');
    await session.fact('turn.ended');
    expect(session.of('approval.requested')).toEqual([]);
  });

  it.each(['ask', 'auto'] as const)(
    'APPR11: made while no runner is there, it waits for the next one, and its %s mode decides',
    async (mode) => {
      const away = gate();
      const call = says(text({ text: 'Now.', gate: away }), uses('Bash', { command: 'echo harmless' }));
      await using session = await Session.open([call, says('done')], { mode });
      await session.start();
      await session.send('go');
      await eventually('the model is asked', () => session.model.requests.length > 0);
      await session.leave();
      away.open();
      await eventually('the call', async () => hookCalls.test(await session.said()));
      await session.reattach();
      const finished = await session.fact('tool.finished');
      expect(finished.outcome).toBe(mode === 'ask' ? 'denied' : 'succeeded');
      expect((await session.fact('turn.ended')).outcome).toBe('completed');
    },
  );

  it('APPR11: read again by another driver in another mode, what was answered stays answered', async () => {
    const later = gate();
    const replies = [says(uses('Bash', { command: 'echo once' })), says(text({ text: 'done', gate: later }))];
    await using session = await Session.open(replies);
    await session.start();
    await session.send('go');
    await session.fact('tool.finished');
    session.meta = { ...session.meta, agent: { ...session.meta.agent, mode: 'ask' } };
    // As if nothing of it had been stored: all is read again, the hook call too.
    session.told.length = 0;
    await session.reattach(0);
    expect((await session.fact('tool.finished')).outcome).toBe('succeeded');
    later.open();
    await session.fact('turn.ended');
    const answers = session.writes.filter(({ token }) => token?.startsWith('hook ') === true);
    expect(answers.map(({ text: frame }) => frame.includes('"ask"'))).toEqual([false, true]);
    expect(new Set(answers.map(({ token }) => token)).size).toBe(1);
    expect(session.of('tool.finished')).toHaveLength(1);
  });
});
