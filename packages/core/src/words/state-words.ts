/** What a session says about itself in lists and headers. Only what the server said; nothing is guessed. */
import type { AgentMode, SessionDescriptor } from '@holdfast/protocol/session.ts';

export type Tone = 'idle' | 'good' | 'accent' | 'warn' | 'bad' | 'quiet';

export interface StateWords {
  readonly tone: Tone;
  /** Something is happening right now. */
  readonly live: boolean;
  readonly text: string;
  /** Since when, for a counting clock next to the text; null: no clock. */
  readonly since: string | null;
}

const still = (tone: Tone, text: string): StateWords => ({ tone, live: false, text, since: null });

/** connected: the server is being heard. Otherwise it is only what was true when it last was. */
export function stateWords(session: SessionDescriptor, connected: boolean): StateWords {
  const now = currentWords(session);
  if (connected || session.status === 'ended' || session.status === 'failed') return now;
  return still(
    now.tone === 'idle' ? 'idle' : 'quiet',
    `Last seen: ${now.text.charAt(0).toLowerCase()}${now.text.slice(1)}`,
  );
}

function currentWords(session: SessionDescriptor): StateWords {
  switch (session.status) {
    case 'creating':
      return session.runnerOnline
        ? { tone: 'accent', live: true, text: 'Starting', since: null }
        : still('warn', 'Runner offline, starts when it is back');
    case 'failed':
      return still('bad', 'Could not start');
    case 'ended':
      return still('quiet', endWords(session));
    case 'interrupted':
      return still('warn', 'Interrupted');
    case 'waiting':
      return still('warn', 'Waiting for you');
    case 'suspended':
      return session.kind === 'terminal' && session.runnerOnline
        ? still('good', 'In the background')
        : activeWords(session);
    case 'active':
      return activeWords(session);
  }
}

function activeWords(session: SessionDescriptor): StateWords {
  if (!session.runnerOnline) return still('warn', offlineWords(session));
  if (session.kind === 'terminal') return still('good', 'Running');
  const turn = session.agent?.turn ?? null;
  if (turn === null) return still('idle', 'Ready');
  switch (turn.phase) {
    case 'dispatched':
      return { tone: 'accent', live: true, text: 'Handing over', since: turn.since };
    case 'running':
      return { tone: 'accent', live: true, text: 'Running', since: turn.since };
    case 'stopping':
      return { tone: 'warn', live: true, text: 'Stopping', since: turn.since };
  }
}

function offlineWords(session: SessionDescriptor): string {
  const kept = session.agent?.queueLength ?? 0;
  return kept === 0 ? 'Runner offline' : `Runner offline, ${count(kept, 'message')} kept`;
}

export function endWords(session: SessionDescriptor): string {
  const exit = session.terminal?.exit ?? null;
  if (exit?.signal) return `Ended by ${exit.signal}`;
  if (exit?.exitCode !== null && exit?.exitCode !== undefined) return `Exited with code ${exit.exitCode}`;
  return 'Ended';
}

/** "1 message", "3 messages", "1,200 messages". */
export const count = (number: number, noun: string): string =>
  `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;

export interface ModeWords {
  readonly mode: AgentMode;
  readonly name: string;
  readonly hint: string;
}

export const modes: readonly ModeWords[] = [
  { mode: 'ask', name: 'Ask', hint: 'Reads and answers. Changes nothing.' },
  { mode: 'agent', name: 'Agent', hint: 'Works, and asks before anything risky.' },
  { mode: 'auto', name: 'Auto', hint: 'Works alone. Never asks.' },
];

export const modeName = (mode: AgentMode): string => modes.find((entry) => entry.mode === mode)?.name ?? mode;
