import { expect, it } from 'vitest';
import { connectionReport } from '#lib/shell/connection-report.ts';
import { transportWords } from '#lib/shell/connection-words.ts';
import { outboxEntry } from './fixture/outbox-entry.ts';

const secret = 'hunter2';

it('PAGE8: the report holds numbers, ids and kinds, and nothing that anybody wrote', () => {
  const text = connectionReport(
    {
      connection: { status: 'backoff', attempt: 3, retryAt: 5, error: { kind: 'unavailable', message: secret } },
      path: null,
      history: {
        opened: 3,
        lost: 2,
        last: { at: '2026-01-01T00:00:00.500Z', error: { kind: 'timeout', message: secret, details: { secret } } },
      },
      latency: { lastMs: 12, medianMs: 11, samples: 4 },
      sessions: [
        { sessionId: 's1', state: 'live', lastSeq: 9, output: 70, parsed: 60, resumed: 2, repaired: 1, resets: 0 },
      ],
      outbox: [
        outboxEntry({
          attempts: 2,
          command: { id: 'c1', type: 'message.send', text: secret },
          state: { status: 'sending' },
        }),
        outboxEntry({
          command: { id: 'c1', type: 'terminal.write', data: secret },
          state: { status: 'failed', error: { kind: 'session_ended', message: secret, details: { secret } } },
        }),
      ],
      notices: [{ kind: 'storage_failed', message: secret }],
    },
    { madeAt: '2026-01-01T00:00:01.000Z', browser: 'Chromium', online: true },
  );
  expect(text).not.toContain(secret);
  expect(JSON.parse(text)).toMatchObject({
    connection: { status: 'backoff', attempt: 3, error: 'unavailable', transport: null },
    history: { opened: 3, lost: 2, last: { error: 'timeout' } },
    sessions: [{ sessionId: 's1', lastSeq: 9, output: 70, parsed: 60, resumed: 2, repaired: 1, resets: 0 }],
    outbox: [
      { id: 'c1', type: 'message.send', state: 'sending', attempts: 2 },
      { type: 'terminal.write', state: 'failed', error: 'session_ended' },
    ],
    notices: ['storage_failed'],
  });
});

it('PAGE8: each way has its words, and only the best needs no reason', () => {
  expect(transportWords('websocket')).toEqual({ name: 'WebSocket', reason: null });
  expect(transportWords('polling').reason).toMatch(/WebSocket/);
  expect(transportWords('sse').reason).toMatch(/WebSocket/);
});
