import { connect } from 'node:net';
import { limits } from '@holdfast/protocol/limits.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Doors, openDoors } from './doors.ts';
import { base } from './fake-application.ts';

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

async function stream(query = '', headers: Record<string, string> = {}, path = '/api/sessions/s1/events') {
  const aborter = new AbortController();
  const response = await doors.ask(`${path}${query}`, {
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
    expect(one.events[0]?.data).toEqual({
      verdict: 'ok',
      lastSeq: 3,
      oldestSeq: 1,
      streamId: expect.any(String) as string,
    });
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

  it.each([
    ['', { 'last-event-id': '99' }],
    ['?after=tail', {}],
  ] as const)(
    'LOG8, LINK9: a cursor that cannot be gone on from, or none, gets reset with where the tail begins and the state (%s %j)',
    async (query, headers) => {
      const one = await stream(query, headers);
      await eventually('synced', () => one.events.some(({ event }) => event === 'synced'));
      const resume = { verdict: 'reset', lastSeq: 4, oldestSeq: 1, from: 3, base };
      expect(one.events[0]?.data).toEqual({ ...resume, streamId: expect.any(String) as string });
      expect(one.facts().map(({ id }) => id)).toEqual(['3', '4']);
      await one.close();
    },
  );

  it('LOG14: after=tail of a page is the newest facts', async () => {
    const page = await doors.ask('/api/sessions/s1/events?after=tail&limit=2');
    expect(await page.json()).toMatchObject({ events: [{ seq: 3 }, { seq: 4 }], lastSeq: 4, oldestSeq: 1 });
    expect((await doors.ask('/api/sessions/s1/events?after=head')).status).toBe(400);
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

  it('STREAM1, STREAM4: with tty the output comes as base64 with its offset, and credit is given back by a call', async () => {
    const one = await stream('?after=3&tty=7');
    await eventually('output', () => one.events.some(({ event }) => event === 'tty'));
    const output = one.events.find(({ event }) => event === 'tty')?.data;
    expect(output).toEqual({ offset: 7, data: Buffer.from('output').toString('base64') });
    const { streamId } = one.events[0]?.data ?? {};
    const parsed = (id: unknown, session = 's1') =>
      doors.ask(`/api/sessions/${session}/parsed`, {
        method: 'POST',
        body: JSON.stringify({ streamId: id, offset: 13 }),
      });
    doors.application.parsedOffsets.length = 0;
    expect((await parsed('another')).status).toBe(204);
    expect((await parsed(streamId, 's2')).status).toBe(204);
    expect(doors.application.parsedOffsets).toEqual([]);
    expect((await parsed(streamId)).status).toBe(204);
    expect(doors.application.parsedOffsets).toEqual([13]);
    await one.close();
    await eventually('the subscription is closed', () => doors.application.subscriptions === 0);
  });

  it('STREAM2: tty=screen asks for a screen first', async () => {
    const one = await stream('?after=3&tty=screen');
    await eventually('synced', () => one.events.some(({ event }) => event === 'synced'));
    const screen = { offset: 6, cols: 80, rows: 24, ansi: 'screen' };
    for (const sink of doors.application.sinks.get('s1') ?? []) sink.screen(screen);
    await eventually('the screen', () => one.events.some(({ event }) => event === 'screen'));
    expect(one.events.find(({ event }) => event === 'screen')?.data).toEqual(screen);
    await one.close();
  });

  it('LINK4: keys come with their place in the input stream, and the place they reached is answered', async () => {
    const typed = (body: object) => doors.ask('/api/sessions/s1/input', { method: 'POST', body: JSON.stringify(body) });
    const bytes = Uint8Array.of(0, 255, 13);
    const good = await typed({ inputId: 'i-1', offset: 4, data: Buffer.from(bytes).toString('base64') });
    expect([good.status, await good.json()]).toEqual([200, { offset: 7 }]);
    expect(doors.application.inputs.at(-1)).toEqual(bytes);
    const long = Buffer.alloc(limits.terminalInput + 3).toString('base64');
    for (const data of ['not base64!', long, 7]) {
      expect((await typed({ inputId: 'i-1', offset: 0, data })).status).toBe(400);
    }
  });

  it('LINK9: changes of sessions come as a stream that says hello, and tells of deletions', async () => {
    const one = await stream('', {}, '/api/sessions/changes');
    await eventually('hello', () => one.events.length > 0);
    expect(one.events[0]).toMatchObject({ event: 'hello', data: { protocolVersion } });
    for (const watcher of doors.application.watchers) watcher({ type: 'sessionDeleted', sessionId: 's7' });
    await eventually('the deletion', () => one.events.some(({ event }) => event === 'deleted'));
    await eventually('heartbeats', () => one.events.some(({ event }) => event === 'heartbeat'));
    await one.close();
    await eventually('nobody watches', () => doors.application.watchers.size === 0);
  });

  it('LINK9: the stream of a session that is deleted says so before it ends', async () => {
    doors.application.logs.set('gone', []);
    const one = await stream('', {}, '/api/sessions/gone/events');
    await eventually('synced', () => one.events.some(({ event }) => event === 'synced'));
    doors.application.logs.delete('gone');
    for (const sink of doors.application.sinks.get('gone') ?? []) sink.closed();
    await eventually('the end', () => one.state.ended);
    expect(one.events.at(-1)).toMatchObject({ event: 'deleted', data: { sessionId: 'gone' } });
  });
});
