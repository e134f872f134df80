/** The small parts under the driver. */
import * as fc from 'fast-check';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Preview } from '@holdfast/protocol/socket.ts';
import { createClaudeDriver } from '@holdfast/runner/agents/claude/driver.ts';
import { promptUuid } from '@holdfast/runner/agents/claude/frame.ts';
import { LineSplitter } from '@holdfast/runner/agents/claude/line-splitter.ts';
import { decidePermission } from '@holdfast/runner/agents/claude/permission.ts';
import { sessionGrant } from '@holdfast/runner/agents/session-grant.ts';
import { PreviewBuffer } from '@holdfast/runner/agents/claude/preview-buffer.ts';
import { claudeEnvironment } from '@holdfast/runner/agents/claude/query-options.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';

describe('lines', () => {
  it('STREAM1: in whatever pieces the bytes come, the lines and the positions they end at are the same', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', ''))),
        fc.array(fc.nat(40)),
        fc.nat(1_000),
        (lines, cuts, from) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const splitter = new LineSplitter();
          const read = [];
          let at = 0;
          for (const length of [...cuts, bytes.length]) {
            const piece = bytes.subarray(at, at + length);
            read.push(...splitter.push(from + at, piece));
            at += piece.length;
          }
          expect(read.map((line) => line.text)).toEqual(lines);
          expect(read.at(-1)?.end ?? from).toBe(from + bytes.length);
        },
      ),
    );
  });
});

describe('previews', () => {
  const preview = (offset: number, text: string, blockId = 'b'): Preview => ({
    blockId,
    turnId: 't1',
    kind: 'text',
    offset,
    text,
  });

  it('TURN8: what is added to a block within a moment is one preview, and none once its fact is there', () => {
    vi.useFakeTimers();
    try {
      const told: Preview[] = [];
      const buffer = new PreviewBuffer((text) => told.push(text));
      buffer.add(preview(0, 'Hel'));
      buffer.add(preview(3, 'lo'));
      buffer.add(preview(7, 'x', 'other'));
      buffer.drop('other');
      expect(told).toEqual([]);
      vi.advanceTimersByTime(30);
      expect(told).toEqual([preview(0, 'Hello')]);
      buffer.add(preview(5, ' there'));
      buffer.add(preview(0, ''));
      vi.advanceTimersByTime(30);
      expect(told.slice(1)).toEqual([preview(0, '')]);
      buffer.add(preview(0, 'never'));
      buffer.dispose();
      vi.advanceTimersByTime(30);
      expect(told).toHaveLength(2);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('leave', () => {
  it.each([
    ['ask', 'Bash', 'deny'],
    ['ask', 'Write', 'deny'],
    ['ask', 'mcp__x__y', 'deny'],
    ['ask', 'Skill', 'deny'],
    ['ask', 'Agent', 'ask'],
    ['ask', 'Read', 'ask'],
    ['ask', 'AskUserQuestion', 'ask'],
    ['ask', 'ExitPlanMode', 'ask'],
    ['agent', 'Bash', 'ask'],
    ['agent', 'Read', 'ask'],
    ['agent', 'Edit', 'allow'],
    ['agent', 'EnterPlanMode', 'allow'],
    ['agent', 'ExitPlanMode', 'ask'],
    ['auto', 'Bash', 'allow'],
    ['auto', 'Write', 'allow'],
    ['auto', 'ExitPlanMode', 'allow'],
    ['auto', 'AskUserQuestion', 'ask'],
  ] as const)('APPR5: in %s mode, %s: %s', (mode, tool, decision) => {
    // Edit was allowed for the session; in Ask mode that does not count.
    expect(decidePermission(mode, ['Edit'], tool, {}).decision).toBe(decision);
    expect(decidePermission('ask', ['Edit'], 'Edit', {}).decision).toBe('deny');
  });

  it('APPR5: leave for a shell command is for exactly this command', () => {
    const grant = sessionGrant('Bash', { command: 'git status' });
    expect(decidePermission('agent', [grant], 'Bash', { command: 'git status' }).decision).toBe('allow');
    expect(decidePermission('agent', [grant], 'Bash', { command: 'git status; rm -rf .' }).decision).toBe('ask');
    const fetch = sessionGrant('WebFetch', { url: 'https://example.org/a' });
    expect(decidePermission('agent', [fetch], 'WebFetch', { url: 'https://example.org/b' }).decision).toBe('allow');
    expect(decidePermission('agent', [fetch], 'WebFetch', { url: 'https://example.com/' }).decision).toBe('ask');
  });
});

describe('what the driver knows before it starts', () => {
  it('TURN9: without a login it says what to set or to run, and does not start', async () => {
    using directory = temporaryDirectory();
    const environment = { HOME: directory.path };
    const driver = createClaudeDriver({ environment });
    const info = await driver.info();
    expect(info).toMatchObject({ provider: 'claude', available: false });
    expect(info.remedy.join('\n')).toMatch(/ANTHROPIC_API_KEY[^]*\/claude auth login/);
    mkdirSync(join(directory.path, '.claude'));
    writeFileSync(join(directory.path, '.claude', '.credentials.json'), '{}');
    expect(await driver.info()).toMatchObject({ available: true, remedy: [] });
    const withKey = createClaudeDriver({ environment: { HOME: '/nonexistent', ANTHROPIC_API_KEY: 'k' } });
    expect((await withKey.info()).available).toBe(true);
    const missing = createClaudeDriver({ environment: { ANTHROPIC_API_KEY: 'k' }, executable: '/nonexistent/claude' });
    expect((await missing.info()).remedy[0]).toContain('not installed');
  });

  it('TURN4: a prompt’s uuid follows from its message', () => {
    expect(promptUuid('m1')).toBe(promptUuid('m1'));
    expect(promptUuid('m1')).not.toBe(promptUuid('m2'));
    expect(promptUuid('m1')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('TERM1: an agent does not take itself for a part of the one that started the server', () => {
    const environment = claudeEnvironment({ CLAUDECODE: '1', CLAUDE_CODE_ENTRYPOINT: 'cli', HOME: '/h' });
    expect(environment).not.toHaveProperty('CLAUDECODE');
    expect(environment).not.toHaveProperty('CLAUDE_CODE_ENTRYPOINT');
    expect(environment).toMatchObject({ HOME: '/h', CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1' });
    expect(claudeEnvironment({ CLAUDE_CODE_MAX_RETRIES: '1' })['CLAUDE_CODE_MAX_RETRIES']).toBe('1');
  });
});
