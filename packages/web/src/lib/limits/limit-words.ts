/** Each limit in words, as the page that lists them shows it. */
import type { LimitName } from '@holdfast/protocol/limit-use.ts';

export interface LimitWords {
  readonly name: string;
  readonly hint: string;
}

export const limitWords: Readonly<Record<LimitName, LimitWords>> = {
  openSessions: { name: 'Open sessions', hint: 'Not ended; conversations that are archived do not count' },
  runningAgents: { name: 'Agents at work', hint: 'With a turn under way' },
  connections: { name: 'Connections', hint: 'Each open page is one' },
  startsPerMinute: { name: 'Sessions started', hint: 'A minute' },
  messagesPerMinute: { name: 'Messages to agents', hint: 'A minute, over all sessions' },
  sessionMessagesPerMinute: { name: 'Messages to one session', hint: 'A minute' },
  inputBytesPerSecond: { name: 'Keys and pastes', hint: 'Bytes a second, over all terminals' },
};
