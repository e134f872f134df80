import { connect } from 'node:net';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Doors, openDoors } from './doors.ts';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors({ heartbeatMs: 50 });
});
afterAll(() => doors[Symbol.asyncDispose]());

interface StreamEvent {
  event: string;
  id?: string;
  data: Record<string, unknown>;
}

async function stream(query = '', headers: Record<string, string> = {}) {
  const aborter = new AbortController();
  const response = await doors.ask(`/api/sessions/s1/events${query}`, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: aborter.signal,
  });
  const events: StreamEvent[] = [];
  const state = { ended: false };
  const read = async (): Promise<void> => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
        events.push({
          event: field('event') ?? '',
          id: field('id'),
          data: JSON.parse(field('data') ?? '{}') as Record<string, unknown>,
        });
      }
    }
  };
  const reading = read()
    .catch(() => undefined)
    .finally(() => (state.ended = true));
  return {
    response,
    events,
    state,
    facts: () => events.filter(({ event }) => event === 'fact'),
    close: async () => {
      aborter.abort();
      await reading;
    },
  };
}

describe('event streams', () => {
  it('LOG7: resume first, then the facts after the cursor with their seq as id, then synced, then live', async () => {
    const one = await stream('?after=1');
    expect(one.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(one.response.headers.get('content-security-policy')).toContain("default-src 'self'");
    await eventually('synced', () => one.events.some(({ event }) => event === 'synced'));
    expect(one.events.slice(0, 4).map(({ event, id }) => [event, id])).toEqual([
      ['resume', undefined],
      ['fact', '2'],
      ['fact', '3'],
      ['synced', undefined],
    ]);
    expect(one.events[0]?.data).toEqual({ verdict: 'ok', lastSeq: 3, oldestSeq: 1 });
    expect(one.events[1]?.data).toMatchObject({ seq: 2, type: 'message.user' });
    doors.application.append('s1', 'four\nwith lines');
    await eventually('the live fact', () => one.facts().length === 3);
    expect(one.facts()[2]).toMatchObject({ id: '4', data: { data: { text: 'four\nwith lines' } } });
    for (const sink of doors.application.sinks.get('s1') ?? []) {
      sink.preview({ blockId: 'b', turnId: 't', kind: 'text', offset: 0, text: 'so far' });
    }
    await eventually('the preview', () =>
      one.events.some(({ event, data }) => event === 'preview' && data['text'] === 'so far'),
    );
    await eventually('heartbeats', () => one.events.filter(({ event }) => event === 'heartbeat').length > 1);
    await one.close();
    await eventually('the subscription is closed', () => doors.application.subscriptions === 0);
  });

  it('LINK1: Last-Event-ID goes on after that fact and wins over the address', async () => {
    const one = await stream('?after=0', { 'last-event-id': '2' });
    await eventually('synced', () => one.events.some(({ event }) => event === 'synced'));
    expect(one.facts().map(({ id }) => id)).toEqual(['3', '4']);
    await one.close();
  });

  it('LOG8: a cursor beyond the end is told to start again', async () => {
    const one = await stream('', { 'last-event-id': '99' });
    await eventually('synced', () => one.events.some(({ event }) => event === 'synced'));
    expect(one.events[0]?.data).toMatchObject({ verdict: 'reset' });
    expect(one.facts()[0]?.id).toBe('1');
    await one.close();
  });

  it.each([
    ['?after=x', {}, 400],
    ['?before=3', {}, 400],
    ['', { 'last-event-id': 'x' }, 400],
    ['', { 'last-event-id': '-1' }, 400],
    ['', { authorization: 'Bearer wrong' }, 401],
  ] as const)('WIRE3: what does not fit gets its error and no stream (%s %j)', async (query, headers, status) => {
    const one = await stream(query, headers);
    expect(one.response.status).toBe(status);
    expect(one.response.headers.get('content-type')).toContain('application/json');
    await one.close();
  });

  it('WIRE3: an unknown session has no stream', async () => {
    const response = await doors.ask('/api/sessions/s9/events', { headers: { accept: 'text/event-stream' } });
    expect(response.status).toBe(404);
    await response.text();
  });

  it('AUTH1: a stream ends with its login', async () => {
    const { token } = await doors.authentication.createLoginLink();
    const redeemed = await doors.authentication.redeemLoginLink(token, { address: 'here' });
    const cookie = redeemed.ok ? (redeemed.value.setCookie[0]?.split(';')[0] ?? '') : '';
    const response = await fetch(`${doors.url}/api/sessions/s1/events`, {
      headers: { cookie, accept: 'text/event-stream' },
    });
    expect(response.status).toBe(200);
    await doors.authentication.logout({ cookie, address: 'here' });
    await response.text();
    await eventually('the subscription is closed', () => doors.application.subscriptions === 0);
  });

  it('LOG7: when the source closes, the stream ends, so that the client comes again', async () => {
    const one = await stream();
    await eventually('synced', () => one.events.some(({ event }) => event === 'synced'));
    for (const sink of doors.application.sinks.get('s1') ?? []) sink.closed();
    await eventually('the end', () => one.state.ended);
  });

  it('STREAM5: who does not read is not waited for: memory stays bounded and the client resumes', async () => {
    doors.application.logs.set('big', []);
    const socket = connect(doors.port, '127.0.0.1');
    socket.write(
      `GET /api/sessions/big/events HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\nauthorization: Bearer ${doors.key}\r\n\r\n`,
    );
    socket.pause();
    await eventually('the stream is open', () => doors.application.sinks.get('big')?.size === 1);
    const text = 'x'.repeat(64 * 1024);
    let appended = 0;
    while (doors.application.sinks.get('big')?.size !== 0) {
      doors.application.append('big', text);
      appended += 1;
      expect(appended).toBeLessThan(1_000);
      await new Promise((next) => setImmediate(next));
    }
    let received = 0;
    let ended = false;
    socket
      .on('data', (data) => (received += data.byteLength))
      .on('end', () => (ended = true))
      .resume();
    // The chunked body's end mark comes after all that was written; the connection itself is kept.
    await eventually('what was written arrives', () => ended || received > appended * text.length);
    socket.destroy();
  });

  it('LOG7: closing the server ends its streams', async () => {
    await using other = await openDoors();
    const response = await other.ask('/api/sessions/s1/events', { headers: { accept: 'text/event-stream' } });
    const body = response.text();
    await other.app.close();
    expect(await body).toContain('event: synced');
  });
});
