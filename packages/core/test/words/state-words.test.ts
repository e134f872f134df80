import { describe, expect, it } from 'vitest';
import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import { stateWords } from '../../src/words/state-words.ts';

const agent = (
  fields: Partial<SessionDescriptor> = {},
  turn: { phase: 'dispatched' | 'running' | 'stopping' } | null = null,
): SessionDescriptor => ({
  id: 's1',
  kind: 'agent',
  workspaceId: 'w1',
  ownerId: 'u1',
  runnerId: 'r1',
  runnerOnline: true,
  title: 'Fix it',
  status: 'active',
  createdAt: '2026-11-21T10:00:00.000Z',
  lastActivityAt: '2026-11-21T10:00:00.000Z',
  lastSeq: 1,
  oldestSeq: 1,
  pinned: false,
  archived: false,
  agent: {
    provider: 'demo',
    model: null,
    mode: 'agent',
    turn: turn && { turnId: 't1', messageId: 'm1', generation: 1, since: '2026-11-21T10:00:01.000Z', ...turn },
    queueLength: 2,
    pendingApprovals: 0,
  },
  ...fields,
});

describe('what a session says of itself', () => {
  it('PAGE5: a turn counts as running only in the phase that says so', () => {
    expect(stateWords(agent({}, { phase: 'dispatched' }), true).text).toBe('Handing over');
    expect(stateWords(agent({}, { phase: 'running' }), true)).toMatchObject({ text: 'Running', live: true });
    expect(stateWords(agent({}, { phase: 'stopping' }), true).text).toBe('Stopping');
    expect(stateWords(agent(), true)).toMatchObject({ text: 'Ready', live: false });
  });

  it('PAGE5: without a connection nothing counts up, and the words say that it was last seen so', () => {
    expect(stateWords(agent({}, { phase: 'running' }), false)).toEqual({
      tone: 'quiet',
      live: false,
      text: 'Last seen: running',
      since: null,
    });
  });

  it('SESSION4, PAGE5: a terminal everybody has left runs in the background, an agent is ready as ever', () => {
    const terminal = { cols: 80, rows: 24, exit: null, driver: null };
    const left = agent({ kind: 'terminal', status: 'suspended', agent: undefined, terminal });
    expect(stateWords(left, true)).toMatchObject({ text: 'In the background', live: false });
    expect(stateWords({ ...left, runnerOnline: false }, true).text).toBe('Runner offline');
    expect(stateWords(agent({ status: 'suspended' }), true).text).toBe('Ready');
  });

  it('PAGE5: what has ended stays ended, connected or not', () => {
    const ended = agent({
      kind: 'terminal',
      status: 'ended',
      terminal: { cols: 80, rows: 24, exit: { exitCode: 1, signal: null }, driver: null },
    });
    expect(stateWords(ended, false).text).toBe('Exited with code 1');
    expect(
      stateWords(
        { ...ended, terminal: { cols: 80, rows: 24, exit: { exitCode: null, signal: 'SIGKILL' }, driver: null } },
        true,
      ).text,
    ).toBe('Ended by SIGKILL');
  });

  it('PAGE5: a machine that is away is said to be away, with what is kept for it', () => {
    expect(stateWords(agent({ runnerOnline: false }, { phase: 'running' }), true)).toMatchObject({
      text: 'Runner offline, 2 messages kept',
      live: false,
    });
    expect(stateWords(agent({ runnerOnline: false, status: 'creating' }), true).text).toContain('Runner offline');
  });
});
