import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { quickClock } from '@holdfast/testkit/quick-clock.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { Transport } from '@holdfast/core/client/transport-choice.ts';
import type { HoldfastClient } from '../src/client-interface.ts';
import type { LogTail } from '@holdfast/core/client/log-view.ts';
import type { KeptCommand } from '@holdfast/core/client/outbox.ts';
import type { OutboxStorage } from '../src/outbox-storage.ts';
import { fastClock, recorder, renamed, testClient, upTo } from './fixtures.ts';
import { scriptedHttp } from './scripted-http.ts';
import { ScriptedServer, type World, logOf } from './scripted-server.ts';

/** The same scenarios on every way a client can take. */
describe.each<{ name: string; over: Transport[] }>([
  { name: 'sockets', over: ['websocket', 'polling'] },
  { name: 'event streams', over: ['sse'] },
])('over $name', ({ over }) => {
  let server: ScriptedServer;
  let world: World;
  const clients: HoldfastClient[] = [];
  const serve = async (port?: number): Promise<ScriptedServer> => {
    const started = await ScriptedServer.start(world, port);
    started.http = scriptedHttp(started);
    return started;
  };

  const start = (url: string, options: Parameters<typeof testClient>[1] = {}): HoldfastClient => {
    const client = testClient(url, { transports: over, ...options });
    clients.push(client);
    return client;
  };
  const status = (client: HoldfastClient): string => client.connection.get().status;
  const live = (client: HoldfastClient): Promise<true> => eventually('live', () => status(client) === 'live');

  beforeEach(async () => {
    world = { logs: new Map() };
    server = await serve();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.close();
    await server.stop();
  });

  describe('facts', () => {
    it('LOG7: hands out each fact once and in order across cuts, repeats and disorder', async () => {
      logOf(world, 's');
      server.append('s', renamed('1'), renamed('2'), renamed('3'));
      server.faults.deliver = (facts) => {
        const [first, ...rest] = facts;
        if (first === undefined || rest.length === 0) return [facts, facts];
        // The end first, then everything backwards, then a part again.
        return [rest, [...facts].reverse(), [first]];
      };
      const client = start(server.url);
      const sink = recorder();
      client.openSession('s', {}, sink);
      client.connect();
      await live(client);
      for (let round = 0; round < 5; round += 1) {
        server.append('s', renamed('a'), renamed('b'));
        if (round % 2 === 0) server.cut();
        server.append('s', renamed('c'));
        const last = logOf(world, 's').facts.length;
        await eventually('caught up', () => sink.seqs.at(-1) === last && status(client) === 'live');
      }
      expect(sink.seqs).toEqual(upTo(18));
      expect(sink.calls.filter((call) => call.startsWith('reset'))).toEqual([]);
    });

    it('LOG7: notices a gap in what is pushed and reads the missing facts', async () => {
      logOf(world, 's');
      server.append('s', renamed('1'));
      const client = start(server.url);
      const sink = recorder();
      client.openSession('s', {}, sink);
      client.connect();
      await live(client);
      server.faults.deliver = () => [];
      server.append('s', renamed('2'), renamed('3'));
      server.faults.deliver = (facts) => [facts];
      server.append('s', renamed('4'));
      await eventually('the gap is filled', () => sink.seqs.length === 4);
      expect(sink.seqs).toEqual([1, 2, 3, 4]);
    });

    it('LINK1: resumes after a restart of the server with its cursor, and asks for nothing it has', async () => {
      logOf(world, 's');
      server.append('s', renamed('1'), renamed('2'));
      const client = start(server.url);
      const sink = recorder();
      client.openSession('s', {}, sink);
      client.connect();
      await live(client);
      const { port } = server;
      await server.stop();
      await eventually('lost', () => status(client) !== 'live');
      server = await serve(port);
      server.append('s', renamed('3'));
      await live(client);
      expect(sink.seqs).toEqual([1, 2, 3]);
      const subscriptions = server.asked.filter(({ name }) => name === 'subscribe').map(({ body }) => body.after);
      expect(subscriptions).toEqual([2]);
    });

    it('LOG8: told that its cursor is not of this log, starts again at the oldest fact', async () => {
      const log = logOf(world, 's');
      log.oldestSeq = 5;
      server.append('s', renamed('5'), renamed('6'));
      const client = start(server.url);
      const sink = recorder();
      client.openSession('s', { after: 40 }, sink);
      client.connect();
      await live(client);
      expect(sink.calls).toEqual(['reset 5 to 6', 'synced 6']);
      expect(sink.seqs).toEqual([5, 6]);
    });

    it('LOG14, LOG15: opened without a cursor it is handed the newest facts whole with the state, then what is new', async () => {
      const titles = Array.from({ length: 40 }, (_, index) => renamed(`${index + 1}`));
      logOf(world, 's');
      server.append('s', ...titles);
      // Pieces, some twice, and what was written meanwhile.
      server.faults.deliver = (facts) => [facts.slice(0, 1), facts.slice(0, 2), facts.slice(1)];
      const client = start(server.url);
      const sink = recorder();
      const tails: LogTail[] = [];
      const handle = client.openSession('s', { after: null }, { ...sink, reset: (tail) => tails.push(tail) });
      client.connect();
      await live(client);
      expect(tails).toMatchObject([{ from: 37, lastSeq: 40, oldestSeq: 1, base: { title: '40' } }]);
      expect(tails[0]?.facts.map(({ seq }) => seq)).toEqual([37, 38, 39, 40]);
      expect(handle.lastSeq()).toBe(40);
      server.append('s', renamed('41'), renamed('42'));
      await eventually('what is new', () => sink.seqs.length === 2);
      expect(sink.seqs).toEqual([41, 42]);
      expect(client.openSessions()).toMatchObject([{ lastSeq: 42, resets: 0 }]);
    });

    it('LOG14, LINK1: away for longer than the window, it goes on with the newest facts; within it, with what it missed', async () => {
      logOf(world, 's');
      server.append('s', renamed('1'));
      const client = start(server.url);
      const sink = recorder();
      client.openSession('s', {}, sink);
      client.connect();
      await live(client);
      const { port } = server;
      for (const missed of [5, 30]) {
        await server.stop();
        await eventually('lost', () => status(client) !== 'live');
        server = await serve(port);
        server.append('s', ...Array.from({ length: missed }, (_, index) => renamed(`${missed} ${index}`)));
        await live(client);
      }
      expect(sink.seqs).toEqual([...upTo(6), 33, 34, 35, 36]);
      expect(sink.calls).toEqual(['synced 1', 'synced 6', 'reset 33 to 36', 'synced 36']);
      expect(client.openSessions()).toMatchObject([{ lastSeq: 36, resumed: 2, resets: 1 }]);
    });

    it('LOG15: a tail that is cut off on its way is not handed out by halves', async () => {
      logOf(world, 's');
      server.append('s', ...Array.from({ length: 40 }, (_, index) => renamed(`${index + 1}`)));
      let cuts = 0;
      server.faults.deliver = (facts) => {
        if ((cuts += 1) > 3) return [facts];
        queueMicrotask(() => server.cut());
        return [facts.slice(0, cuts)];
      };
      const client = start(server.url);
      const sink = recorder();
      client.openSession('s', { after: null }, sink);
      client.connect();
      await eventually('whole', () => sink.calls.some((call) => call.startsWith('synced')));
      expect(cuts).toBeGreaterThan(3);
      expect(sink.calls).toEqual(['reset 37 to 40', 'synced 40']);
      expect(sink.seqs).toEqual([37, 38, 39, 40]);
    });

    it('WIRE1: passes over a fact it does not know, and over garbage, and lives on', async () => {
      logOf(world, 's');
      const client = start(server.url);
      const sink = recorder();
      client.openSession('s', {}, sink);
      client.connect();
      await live(client);
      server.push('facts', { sessionId: 's', facts: 'nonsense' });
      server.push('tty', null);
      server.push('constructor', { sessionId: 's' });
      server.append('s', { type: 'from.the.future', data: {} }, renamed('2'));
      await eventually('the known one', () => sink.seqs.length === 1);
      expect(sink.seqs).toEqual([2]);
      expect(status(client)).toBe('live');
    });

    it('LINK1: a session that is not there is refused once, and the rest catches up without it', async () => {
      const client = start(server.url);
      const sink = recorder();
      const handle = client.openSession('none', {}, sink);
      client.connect();
      await live(client);
      expect(sink.calls).toEqual(['refused not_found']);
      expect(handle.state.get()).toBe('refused');
    });

    it('PRESENCE1, PRESENCE2: it is the same client on every connection, and hands out who is attached', async () => {
      logOf(world, 's');
      const client = start(server.url, { clientId: 'tab-1' });
      expect(client.clientId).toBe('tab-1');
      const sink = recorder();
      client.openSession('s', {}, sink);
      client.connect();
      await live(client);
      server.cut();
      const introduction = over.includes('sse') ? 'events' : 'hello';
      const told = () => server.asked.filter(({ name }) => name === introduction).map(({ body }) => body.clientId);
      await eventually('a second connection', () => told().length === 2 && status(client) === 'live');
      expect(told()).toEqual(['tab-1', 'tab-1']);
      const one = { clientId: 'c', userId: 'u', name: 'Ada', since: '2026-01-01T00:00:00.000Z', drives: false };
      server.push('presence', { sessionId: 's', people: [{ ...one, device: 'phone' }], more: 'many' });
      server.push('presence', { sessionId: 's', people: [{ ...one, device: 'laptop' }], more: 3 });
      await eventually('told', () => sink.calls.some((call) => call.startsWith('presence')));
      expect(sink.calls.filter((call) => call.startsWith('presence'))).toEqual(['presence laptop+3']);
    });

    it('TURN8: previews reach the sink, also after a cut', async () => {
      logOf(world, 's');
      const client = start(server.url);
      const sink = recorder();
      client.openSession('s', {}, sink);
      client.connect();
      await live(client);
      server.push('preview', { sessionId: 's', blockId: 'b', turnId: 't', kind: 'text', offset: 0, text: 'hel' });
      server.push('preview', { sessionId: 's', blockId: 'b', turnId: 't', kind: 'text', offset: 3, text: 'lo' });
      await eventually('both', () => sink.calls.includes('preview b@3'));
      expect(sink.calls).toContain('preview b@0');
    });
  });

  describe('terminal output', () => {
    for (const transport of over) {
      it(`STREAM1: every byte once across a cut, over ${transport}`, async () => {
        logOf(world, 't');
        const client = start(server.url, { transports: [transport] });
        const sink = recorder();
        client.openSession('t', { tty: { from: 0 } }, sink);
        client.connect();
        await live(client);
        server.print('t', 'one ');
        await eventually('one', () => sink.text === 'one ');
        server.cut();
        server.print('t', 'two ');
        server.print('t', 'thr\u00e9e');
        await eventually('all', () => sink.text === 'one two thr\u00e9e');
        expect(sink.calls.filter((call) => call.startsWith('not a') || call.startsWith('screen'))).toEqual([]);
      });
    }

    it('STREAM2: a screen replaces, output goes on from its offset, and redraw asks for one', async () => {
      logOf(world, 't');
      server.print('t', '12345');
      const client = start(server.url);
      const sink = recorder();
      const handle = client.openSession('t', { tty: { from: null } }, sink);
      client.connect();
      await eventually('a screen', () => sink.text === 'screen@5');
      server.print('t', '67');
      await eventually('more', () => sink.text === 'screen@567');
      handle.redraw();
      await eventually('another screen', () => sink.text === 'screen@7');
    });

    it('STREAM4: tells the server what has been parsed, and nothing twice', async () => {
      logOf(world, 't');
      const client = start(server.url);
      const sink = recorder();
      const handle = client.openSession('t', { tty: { from: 0 } }, sink);
      client.connect();
      await live(client);
      server.print('t', 'abc');
      await eventually('output', () => sink.parsedTo === 3);
      handle.parsed(3);
      handle.parsed(3);
      handle.parsed(2);
      await eventually('told', () => server.asked.some(({ name }) => name === 'parsed'));
      client.send('t', { type: 'session.stop' });
      await eventually('a later request', () => server.asked.some(({ name }) => name === 'command'));
      expect(server.asked.filter(({ name }) => name === 'parsed').map(({ body }) => body.offset)).toEqual([3]);
    });

    it('STREAM4: tells also that a first screen at offset 0 has been parsed, because the server waits for it', async () => {
      logOf(world, 't');
      const client = start(server.url);
      const handle = client.openSession('t', { tty: { from: null } }, recorder());
      client.connect();
      await live(client);
      handle.parsed(0);
      await eventually('told', () => server.asked.some(({ name }) => name === 'parsed'));
      client.send('t', { type: 'session.stop' });
      await eventually('a later request', () => server.asked.some(({ name }) => name === 'command'));
      expect(server.asked.filter(({ name }) => name === 'parsed').map(({ body }) => body.offset)).toEqual([0]);
    });
  });

  describe('commands', () => {
    it('LOG4: a lost acknowledgement is sent again under the same id and lands once', async () => {
      logOf(world, 's');
      let lost = 0;
      server.faults.loseAck = () => (lost += 1) === 1;
      const client = start(server.url);
      client.openSession('s', {}, recorder());
      client.connect();
      await live(client);
      const sent = client.send('s', { type: 'message.send', text: 'hello' });
      if (!sent.ok) throw new Error(sent.error.message);
      await eventually('it was received', () => lost === 1);
      expect(sent.value.state.get().status).toBe('sending');
      server.cut();
      await eventually('stored', () => sent.value.state.get().status === 'stored');
      expect(logOf(world, 's').effects.map((command) => command.id)).toEqual([sent.value.id]);
      expect(lost).toBe(2);
      await eventually('known from the log', () => client.outbox.get().length === 0);
    });

    it('LINK6: commands made while offline, with cuts and lost acks, land once and in order per session', async () => {
      logOf(world, 'a');
      logOf(world, 'b');
      let count = 0;
      server.faults.loseAck = () => {
        if ((count += 1) % 3 !== 0) return false;
        server.cut();
        return true;
      };
      server.faults.refuse = () => {
        if (count % 5 !== 4) return null;
        count += 1;
        return { kind: 'unavailable', message: 'busy' };
      };
      const client = start(server.url, { random: () => 0.001 });
      for (let number = 0; number < 20; number += 1) {
        client.send(number % 2 === 0 ? 'a' : 'b', { type: 'message.send', text: String(number) });
      }
      const offline = new Set(client.outbox.get().map((entry) => entry.state.status));
      expect(offline.has('sending') || offline.has('stored')).toBe(false);
      client.connect();
      const texts = (sessionId: string): string[] =>
        logOf(world, sessionId).effects.map((command) => (command.type === 'message.send' ? command.text : ''));
      await eventually('all receipted', () => client.outbox.get().every((entry) => entry.state.status === 'stored'));
      expect(texts('a')).toEqual(['0', '2', '4', '6', '8', '10', '12', '14', '16', '18']);
      expect(texts('b')).toEqual(['1', '3', '5', '7', '9', '11', '13', '15', '17', '19']);
      expect(count).toBeGreaterThan(20);
    });

    it('LINK6: a refusal belongs to its message alone; retry and discard are the person\u2019s', async () => {
      logOf(world, 's');
      server.faults.refuse = (command) =>
        command.type === 'message.send' && command.text === 'bad' ? { kind: 'session_ended', message: 'over' } : null;
      const client = start(server.url);
      client.connect();
      await live(client);
      const bad = client.send('s', { type: 'message.send', text: 'bad' });
      const good = client.send('s', { type: 'message.send', text: 'good' });
      if (!bad.ok || !good.ok) throw new Error('refused at the door');
      await eventually('good is stored', () => good.value.state.get().status === 'stored');
      expect(bad.value.state.get()).toEqual({ status: 'failed', error: { kind: 'session_ended', message: 'over' } });
      server.faults.refuse = () => null;
      client.retry(bad.value.id);
      await eventually('bad is stored', () => bad.value.state.get().status === 'stored');
      expect(logOf(world, 's').effects).toHaveLength(2);
    });

    it('WIRE1: what does not fit its schema is refused before it is kept', () => {
      const client = start(server.url);
      const sent = client.send('s', { type: 'message.send', text: '   ' });
      expect(sent).toMatchObject({ ok: false, error: { kind: 'bad_request' } });
      expect(client.outbox.get()).toEqual([]);
    });

    it('LINK7: a storage that fails is told once, and the commands are sent all the same', async () => {
      const broken: OutboxStorage = {
        open: () => Promise.reject(new Error('private mode')),
        put: () => Promise.reject(new Error('private mode')),
        remove: () => Promise.reject(new Error('private mode')),
        rescan: () => undefined,
        close: () => Promise.resolve(),
      };
      logOf(world, 's');
      const client = start(server.url, { storage: broken });
      client.connect();
      client.send('s', { type: 'message.send', text: 'one' });
      client.send('s', { type: 'message.send', text: 'two' });
      await eventually('both landed', () => logOf(world, 's').effects.length === 2);
      expect(client.notices.get().map((notice) => notice.kind)).toEqual(['storage_failed']);
    });

    it('LINK7: a storage that never answers is none: it is told, and the commands are sent all the same', async () => {
      const never = (): Promise<void> => new Promise(() => undefined);
      const silent: OutboxStorage = { open: never, put: never, remove: never, rescan: () => undefined, close: never };
      logOf(world, 's');
      const client = start(server.url, { storage: silent, clock: fastClock(100) });
      client.connect();
      client.send('s', { type: 'message.send', text: 'one' });
      await eventually('landed', () => logOf(world, 's').effects.length === 1);
      expect(client.notices.get().map((notice) => notice.kind)).toEqual(['storage_failed']);
    });

    it('LINK7: a command is on the disk before it is on the wire, and a new client sends what the last one left', async () => {
      logOf(world, 's');
      const disk = new Map<string, KeptCommand>();
      const storage = (): OutboxStorage => ({
        open: (adopt) => Promise.resolve(adopt([...disk.values()])),
        put: (command) => Promise.resolve(void disk.set(command.id, command)),
        remove: (id) => Promise.resolve(void disk.delete(id)),
        rescan: () => undefined,
        close: () => Promise.resolve(),
      });
      server.faults.loseAck = (command) => {
        expect(disk.has(command.id)).toBe(true);
        return true;
      };
      const first = start(server.url, { storage: storage() });
      first.connect();
      first.send('s', { type: 'message.send', text: 'hello' });
      await eventually('it arrived', () => logOf(world, 's').effects.length === 1);
      await first.close();
      expect(disk.size).toBe(1);
      server.faults.loseAck = () => false;
      const second = start(server.url, { storage: storage(), makeId: () => 'other' });
      second.connect();
      await eventually('receipted', () => disk.size === 0);
      expect(logOf(world, 's').effects).toHaveLength(1);
    });
  });

  describe('keystrokes', () => {
    it('LINK4: typed across cuts, lost acknowledgements and passing refusals, each key arrives once and in order', async () => {
      logOf(world, 't');
      const client = start(server.url);
      client.connect();
      await live(client);
      const input = client.input('t');
      input.write('echo ');
      await eventually('acknowledged', () => input.status.get().pendingBytes === 0);
      server.faults.loseInputAck = true;
      input.write('he');
      await eventually('typed', () => logOf(world, 't').keys === 'echo he');
      expect(input.status.get().pendingBytes).toBe(2);
      server.cut();
      server.faults.loseInputAck = false;
      input.write('ll');
      input.write('o\r');
      await eventually('all typed', () => logOf(world, 't').keys === 'echo hello\r');
      let refusals = 1;
      server.faults.refuseInput = () =>
        refusals-- > 0 ? { kind: 'unavailable', message: 'later', retryAfterMs: 20 } : null;
      input.write('ex');
      input.write('it');
      await eventually('typed after a refusal', () => logOf(world, 't').keys === 'echo hello\rexit');
      await eventually('all acknowledged', () => input.status.get().pendingBytes === 0);
      expect(input.status.get().error).toBeNull();
    });

    it('LINK4: keys for a shell that is gone are dropped and said so, never typed into the next one', async () => {
      logOf(world, 't');
      const client = start(server.url);
      client.connect();
      client.openSession('t', {}, recorder());
      const input = client.input('t');
      await live(client);
      server.append('t', { type: 'session.started', data: { generation: 1 } });
      server.faults.refuseInput = () => ({ kind: 'unavailable', message: 'later' });
      input.write('rm -rf build');
      await eventually('tried', () => server.asked.some(({ name }) => name === 'input'));
      server.append('t', { type: 'session.started', data: { generation: 2 } });
      await eventually('dropped', () => input.status.get().error !== null);
      server.faults.refuseInput = null;
      input.write('ls\r');
      await eventually('typed', () => logOf(world, 't').keys === 'ls\r');
    });

    it('LINK4, LOG15: keys for a shell that is gone are dropped also when only the state tells of the next one', async () => {
      logOf(world, 't');
      server.append('t', { type: 'session.started', data: { generation: 1 } }, ...upTo(20).map((n) => renamed(`${n}`)));
      const client = start(server.url);
      client.connect();
      const input = client.input('t');
      client.openSession('t', { after: null }, recorder());
      await live(client);
      const later = (): ErrorBody => ({ kind: 'unavailable', message: 'later' });
      server.faults.refuseInput = later;
      input.write('rm -rf build');
      await eventually('tried', () => server.asked.some(({ name }) => name === 'input'));
      const { port } = server;
      await server.stop();
      await eventually('lost', () => status(client) !== 'live');
      server = await serve(port);
      server.faults.refuseInput = later;
      server.append('t', { type: 'session.started', data: { generation: 2 } }, ...upTo(20).map((n) => renamed(`${n}`)));
      await eventually('dropped', () => input.status.get().error !== null);
      expect(logOf(world, 't').keys).toBe('');
    });
  });

  describe('connection', () => {
    it('LINK5: a refused login stops all attempts and says so', async () => {
      const refusal: ErrorBody = { kind: 'unauthenticated', message: 'log in again' };
      server.faults.refuseLogin = refusal;
      const client = start(server.url);
      client.connect();
      await eventually('failed', () => status(client) === 'failed');
      expect(client.connection.get()).toEqual({ status: 'failed', error: refusal, remedy: 'login' });
      server.faults.refuseLogin = null;
      client.connect();
      await live(client);
    });

    it('LINK5: another version of the protocol asks for a reload', async () => {
      server.faults.version = 99;
      const client = start(server.url);
      client.connect();
      await eventually('failed', () => status(client) === 'failed');
      expect(client.connection.get()).toMatchObject({ remedy: 'reload' });
    });

    it('LINK5: a failed first connect is told once; it goes on or stops as asked', async () => {
      const { url, port } = server;
      await server.stop();
      const page = start(url);
      const tool = start(url, { firstFailure: 'fail' });
      page.connect();
      tool.connect();
      await eventually('the tool gave up', () => status(tool) === 'failed');
      await eventually('the page tries again', () => {
        const view = page.connection.get();
        return view.status === 'backoff' && view.attempt >= 3;
      });
      expect(page.notices.get()).toHaveLength(1);
      expect(tool.notices.get()).toHaveLength(1);
      server = await serve(port);
      await live(page);
      expect(status(tool)).toBe('failed');
    });

    it('LINK8: a silent connection is found out at a wake-up and replaced', async () => {
      // Only the time of the check matters here: a clock that runs forty times as fast makes it a tenth of a second.
      const client = start(server.url, { clock: quickClock(40) });
      client.connect();
      await live(client);
      client.wake('foreground');
      await eventually('a ping is answered', () => client.latency.get().samples > 0);
      server.faults.mute = true;
      const before = [...server.sockets][0];
      client.wake('network-change');
      await eventually('dropped', () => before?.connected === false);
      server.faults.mute = false;
      await live(client);
      expect(server.sockets.size).toBe(1);
    });

    it('LINK8: it answers what the server asks, with the same nonce', async () => {
      const client = start(server.url);
      client.connect();
      await live(client);
      expect(await server.ping('who is there')).toEqual({ nonce: 'who is there' });
    });

    it('LINK15: told that the server goes, it connects anew and says nothing is wrong; what was under way lands once', async () => {
      logOf(world, 's');
      const client = start(server.url);
      const seen = new Set<string>();
      client.connect();
      await live(client);
      client.connection.subscribe((view) => seen.add(view.status));
      server.faults.loseAck = () => true;
      const sent = client.send('s', { type: 'message.send', text: 'hello' });
      await eventually('it was received', () => logOf(world, 's').effects.length === 1);
      server.faults.loseAck = () => false;
      const before = [...server.sockets][0];
      server.push('drain', { withinMs: 50 });
      await eventually('another socket', () => before?.connected === false && server.sockets.size === 1);
      await live(client);
      await eventually('stored', () => sent.ok && sent.value.state.get().status === 'stored');
      expect(logOf(world, 's').effects).toHaveLength(1);
      const { port } = server;
      // It lets nobody in any more, then it is gone.
      server.faults.refuseLogin = { kind: 'unavailable', message: 'closing', retryAfterMs: 20 };
      server.push('drain', { withinMs: 50 });
      await eventually('it tries', () => status(client) === 'moving');
      await server.stop();
      server = await serve(port);
      await live(client);
      seen.delete('catching-up');
      expect([...seen].toSorted()).toEqual(['live', 'moving']);
      expect(client.notices.get()).toEqual([]);
    });

    it('PAGE8: how often it connected, and when and why a connection was last lost, is known afterwards', async () => {
      const client = start(server.url, { clock: fastClock(40) });
      expect(client.history.get()).toEqual({ opened: 0, lost: 0, last: null });
      client.connect();
      await live(client);
      server.hangUp();
      await eventually('another connection', () => client.history.get().opened === 2);
      expect(client.history.get()).toMatchObject({ lost: 1, last: { error: { kind: 'unavailable' } } });
      await live(client);
      server.faults.mute = true;
      client.wake('network-change');
      await eventually('a silent one is lost too', () => client.history.get().last?.error.kind === 'timeout');
      server.faults.mute = false;
      await live(client);
      const { lost } = client.history.get();
      await client.close();
      expect(client.history.get().lost).toBe(lost);
    });

    it('LINK5: a server that hangs up is called again', async () => {
      const client = start(server.url);
      client.connect();
      await live(client);
      const before = [...server.sockets][0];
      server.hangUp();
      await eventually(
        'another socket',
        () => server.sockets.size === 1 && ![...server.sockets].includes(before as never),
      );
      await live(client);
    });

    it('LINK1: a watch says when to read the list: at each beginning', async () => {
      const client = start(server.url);
      const events: string[] = [];
      client.watchSessions((event) => events.push(event.type));
      client.connect();
      await eventually('watching', () => events.length === 1);
      server.push('sessionDeleted', { sessionId: 'x' });
      await eventually('deleted', () => events.length === 2);
      server.cut();
      await eventually('watching again', () => events.length === 3);
      expect(events).toEqual(['watching', 'sessionDeleted', 'watching']);
    });

    it('LINK5: after close nothing is left: no socket, no call, no attempt', async () => {
      logOf(world, 's');
      const client = start(server.url);
      const sink = recorder();
      client.openSession('s', {}, sink);
      client.connect();
      await live(client);
      await client.close();
      await eventually('the server sees it go', () => server.sockets.size === 0);
      client.connect();
      server.append('s', renamed('late'));
      expect(sink.seqs).toEqual([]);
      expect(status(client)).toBe('idle');
    });
  });
});
