/** Uploads through the application: who may, what is on its way at once, and messages that carry files. */
import type { Command } from '@holdfast/protocol/command.ts';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import type { RunnerQuestion } from '@holdfast/protocol/runner.ts';
import type { Attachment, PutUpload } from '@holdfast/protocol/upload.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterEach, describe, expect, it } from 'vitest';
import type { HoldfastApplication } from '../../src/application/holdfast-application.ts';
import { ScriptedRunner, login, must, openApplication, stranger } from './fixtures.ts';

const disposals: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const dispose of disposals.splice(0).reverse()) await dispose();
});

type Put = Extract<RunnerQuestion, { type: 'uploadPut' }>;

interface Started {
  application: HoldfastApplication;
  runner: ScriptedRunner;
  /** An agent's. */
  sessionId: string;
  workspaceId: string;
  /** In the order they came. */
  puts: Put[];
  /** Lets so many pieces that wait be answered. */
  let: (count: number) => void;
  /** null: pieces are answered at once. */
  hold: (held: boolean) => void;
}

const ownOffsets = (puts: readonly Put[], uploadId: string) =>
  puts.filter((put) => put.uploadId === uploadId).map((put) => put.offset);

async function start(maxUploadBytes = 0): Promise<Started> {
  const directory = temporaryDirectory();
  disposals.push(() => directory[Symbol.dispose]());
  const { application, store } = await openApplication(directory.path, { maxUploadBytes });
  disposals.push(async () => {
    application.close();
    await store.close();
  });
  const runner = new ScriptedRunner(application);
  const puts: Put[] = [];
  let held = false;
  const waiting: (() => void)[] = [];
  runner.onAsk = async (question) => {
    if (question.type !== 'uploadPut') return ok({});
    puts.push(question);
    if (held) await new Promise<void>((resolve) => waiting.push(resolve));
    return stateAfter(question);
  };
  await application.whenReady();
  const workspace = must(await application.createWorkspace(login, { path: '/w' }));
  const agent = { kind: 'agent' as const, workspaceId: workspace.id, agent: { provider: 'demo' } };
  const { session } = must(await application.createSession(login, agent, null));
  return {
    application,
    runner,
    sessionId: session.id,
    workspaceId: workspace.id,
    puts,
    let: (count) => waiting.splice(0, count).forEach((go) => go()),
    hold: (next) => (held = next),
  };
}

function stateAfter({ uploadId, name, mediaType, size, offset, data }: Put): Result<object> {
  const end = offset + data.byteLength;
  return ok({ upload: { id: uploadId, name, mediaType, size, offset: end, complete: end === size } });
}

const about = (size: number, offset = 0): PutUpload => ({ offset, size, name: '../a.png', mediaType: 'image/png' });
async function* body(...chunks: number[]): AsyncGenerator<Uint8Array> {
  for (const size of chunks) yield await Promise.resolve(new Uint8Array(size));
}
const piece = limits.uploadPiece;
const kind = (result: Result<unknown>): string => (result.ok ? 'ok' : result.error.kind);

describe('bytes on their way', () => {
  it('UPLOAD8: what comes in whatever chunks goes on in small pieces at their places, under a safe name', async () => {
    const { application, sessionId, puts } = await start();
    const size = 3 * piece + 10;
    const state = must(
      await application.uploads.put(login, sessionId, 'u', about(size), body(5, 2 * piece, piece + 5)),
    );
    expect(state).toMatchObject({ offset: size, complete: true });
    expect(puts.every((put) => put.data.byteLength <= piece && put.name === 'a.png')).toBe(true);
    expect(puts.every((put) => put.ownerId === login.userId && put.sessionId === sessionId)).toBe(true);
    expect(ownOffsets(puts, 'u')).toEqual([0, 5, 5 + piece, 5 + 2 * piece, 5 + 3 * piece]);
    expect(must(await application.uploads.put(login, sessionId, 'empty', about(0), body())).complete).toBe(true);
  });

  it('UPLOAD8: however many are uploaded, few bytes are on their way at once, in turn, and a keystroke does not wait', async () => {
    const { application, runner, workspaceId, sessionId, puts, let: go, hold } = await start();
    const { session } = must(await application.createSession(login, { kind: 'terminal', workspaceId }, null));
    hold(true);
    let read = 0;
    const flood = async function* (): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 8; count += 1) {
        read += piece;
        yield await Promise.resolve(new Uint8Array(piece));
      }
    };
    const uploads = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) =>
      application.uploads.put(login, sessionId, id, about(8 * piece), flood()),
    );
    await eventually('the window is full', () => puts.length === 4);
    const input = { inputId: 'keys', offset: 0, data: Uint8Array.of(97) };
    void application.input(login, session.id, input);
    await eventually('the key', () => runner.inputs.length === 1);
    expect(puts).toHaveLength(4);
    // What is not sent is not read either: who sends it waits.
    expect(read).toBeLessThanOrEqual(6 * 2 * piece);
    for (let sent = 4; sent < 48; sent += 1) {
      go(1);
      await eventually('the next piece', () => puts.length === sent + 1);
      const most = Math.max(...uploads.map((_, index) => ownOffsets(puts, 'abcdef'[index] ?? '').length));
      const least = Math.min(...uploads.map((_, index) => ownOffsets(puts, 'abcdef'[index] ?? '').length));
      if (sent > 12) expect(most - least).toBeLessThanOrEqual(4);
    }
    hold(false);
    go(4);
    for (const upload of uploads) expect(must(await upload).complete).toBe(true);
  });

  it('UPLOAD2: the link lost midway is runner_offline, nothing more is read, and the file goes on with the next link', async () => {
    const { application, runner, sessionId, puts, let: go, hold } = await start();
    hold(true);
    const size = 8 * piece;
    const first = application.uploads.put(login, sessionId, 'u', about(size), body(size));
    await eventually('some pieces', () => puts.length === 4);
    go(2);
    await eventually('more', () => puts.length === 6);
    runner.close();
    expect(kind(await first)).toBe('runner_offline');
    expect(kind(await application.uploads.put(login, sessionId, 'u', about(size), body(size)))).toBe('runner_offline');
    expect(kind(await application.uploads.state(login, sessionId, 'u'))).toBe('runner_offline');
    const next = new ScriptedRunner(application);
    next.onAsk = (question) => (question.type === 'uploadPut' ? stateAfter(question) : ok({}));
    await eventually('linked', async () => must(await application.session(login, sessionId)).runnerOnline);
    const rest = application.uploads.put(login, sessionId, 'u', about(size, 6 * piece), body(2 * piece));
    expect(must(await rest).complete).toBe(true);
  });

  it('UPLOAD1, UPLOAD3: the first refusal is the answer, and what comes after it is not sent', async () => {
    const { application, runner, sessionId } = await start(100 * piece);
    let asked = 0;
    runner.onAsk = () => {
      asked += 1;
      return asked === 1
        ? fail('quota_exceeded', 'full', { details: { limit: 1, current: 1 } })
        : fail('conflict', 'gap');
    };
    const many = body(...Array.from({ length: 40 }, () => piece));
    const refused = await application.uploads.put(login, sessionId, 'u', about(40 * piece), many);
    expect(refused).toMatchObject({ error: { kind: 'quota_exceeded', details: { limit: 1, current: 1 } } });
    expect(asked).toBeLessThan(10);
    const large = await application.uploads.put(login, sessionId, 'v', about(101 * piece), body(piece));
    expect(large).toMatchObject({ error: { kind: 'payload_too_large', details: { current: 101 * piece } } });
    expect(asked).toBeLessThan(10);
  });

  it('UPLOAD11: a file is asked for piece by piece as it is taken, and breaks off where its machine does', async () => {
    const { application, runner, sessionId } = await start();
    const upload = {
      id: 'u',
      name: 'a.png',
      mediaType: 'image/png',
      size: 2 * piece,
      offset: 2 * piece,
      complete: true,
    };
    const reads: number[] = [];
    runner.onAsk = (question) => {
      if (question.type === 'uploadState') return ok({ upload });
      if (question.type !== 'uploadRead') return ok({});
      reads.push(question.from);
      return question.from === 0 ? ok({ data: new Uint8Array(piece) }) : fail('not_found', 'gone');
    };
    const content = must(await application.uploads.content(login, sessionId, 'u'));
    expect(reads).toEqual([]);
    const taken: number[] = [];
    await expect(async () => {
      for await (const data of content.bytes) taken.push(data.byteLength);
    }).rejects.toThrow('broke off');
    expect([taken, reads]).toEqual([[piece], [0, piece]]);
    runner.onAsk = () => ok({ upload: { ...upload, offset: 1, complete: false } });
    expect(kind(await application.uploads.content(login, sessionId, 'u'))).toBe('conflict');
  });
});

describe('who may', () => {
  it('UPLOAD7: another login learns nothing of a session’s uploads and puts nothing into it', async () => {
    const { application, sessionId, puts } = await start();
    const { uploads } = application;
    const answers = await Promise.all([
      uploads.put(stranger, sessionId, 'u', about(1), body(1)),
      uploads.state(stranger, sessionId, 'u'),
      uploads.content(stranger, sessionId, 'u'),
      uploads.remove(stranger, sessionId, 'u'),
      uploads.put(login, 'none', 'u', about(1), body(1)),
    ]);
    expect(answers.map(kind)).toEqual(Array.from({ length: 5 }, () => 'not_found'));
    expect(puts).toEqual([]);
  });
});

describe('sessions that go', () => {
  it('UPLOAD6: a deleted session’s uploads are dropped, at once or when its machine comes', async () => {
    const { application, runner, sessionId, workspaceId } = await start();
    const end = async (id: string, position: number): Promise<void> => {
      runner.report(id, 'deliveries', position, [{ type: 'session.ended', data: { reason: 'stopped' } }]);
      await eventually('ended', async () => must(await application.session(login, id)).status === 'ended');
    };
    const agent = { kind: 'agent' as const, workspaceId, agent: { provider: 'demo' } };
    const other = must(await application.createSession(login, agent, null)).session.id;
    const kept = must(await application.createSession(login, agent, null)).session.id;
    await end(sessionId, 1);
    await end(other, 2);
    must(await application.deleteSession(login, sessionId));
    await eventually('dropped', () => runner.dropped.includes(sessionId));
    runner.close();
    await eventually('away', async () => !must(await application.session(login, kept)).runnerOnline);
    must(await application.deleteSession(login, other));
    const next = new ScriptedRunner(application, [], [other, kept, 'never-known']);
    await eventually('dropped', () => next.dropped.length === 2);
    expect(next.dropped).toEqual([other, 'never-known']);
  });
});

describe('messages with files', () => {
  const file: Attachment = { uploadId: 'u', name: 'a.png', mediaType: 'image/png', size: 3 };
  const send = (id: string): Command => ({ id, type: 'message.send', text: '', attachments: [file] });
  const messages = async (application: HoldfastApplication, sessionId: string) =>
    must(await application.events(login, sessionId, { limit: 100 })).events.filter(
      (fact) => fact.type === 'message.user',
    );

  it('UPLOAD9: stored once its files are there, and not at all before', async () => {
    const { application, runner, sessionId } = await start();
    const checked: RunnerQuestion[] = [];
    let answer: Result<object> = fail('conflict', 'a.png has not come whole yet.');
    runner.onAsk = (question) => {
      checked.push(question);
      return answer;
    };
    expect(kind(await application.command(login, sessionId, send('m1')))).toBe('conflict');
    answer = fail('bad_request', 'unknown');
    expect(kind(await application.command(login, sessionId, send('m1')))).toBe('bad_request');
    expect(await messages(application, sessionId)).toEqual([]);
    answer = ok({});
    const receipt = must(await application.command(login, sessionId, send('m1')));
    expect(checked.at(-1)).toEqual({ type: 'uploadCheck', sessionId, attachments: [file] });
    await eventually('the instruction', () => runner.deliveries.length === 1);
    expect(runner.deliveries[0]?.instruction).toMatchObject({ type: 'turn.start', text: '', attachments: [file] });
    // The files may be long gone when a repeat comes: it is the same message.
    answer = fail('bad_request', 'gone');
    const asked = checked.length;
    expect(must(await application.command(login, sessionId, send('m1')))).toEqual(receipt);
    expect(checked).toHaveLength(asked);
    const other: Command = { ...send('m1'), attachments: [{ ...file, uploadId: 'other' }] } as Command;
    expect(kind(await application.command(login, sessionId, other))).toBe('command_id_reused');
    expect(await messages(application, sessionId)).toHaveLength(1);
  });

  it('UPLOAD9: two at once under one id are one message', async () => {
    const { application, sessionId } = await start();
    const receipts = await Promise.all([1, 2, 3].map(() => application.command(login, sessionId, send('m1'))));
    expect(new Set(receipts.map((receipt) => must(receipt).seq)).size).toBe(1);
    expect(await messages(application, sessionId)).toHaveLength(1);
  });

  it('UPLOAD9: for a machine that is away the message is kept unseen', async () => {
    const { application, runner, sessionId } = await start();
    runner.onAsk = (question) => {
      // It goes while it is asked.
      if (question.type === 'uploadCheck') runner.close();
      return ok({});
    };
    must(await application.command(login, sessionId, send('m1')));
    must(await application.command(login, sessionId, send('m2')));
    expect(await messages(application, sessionId)).toHaveLength(2);
  });
});
