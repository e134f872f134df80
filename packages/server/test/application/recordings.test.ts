/** Recordings through the application: who may, what is told of them, and their files in pieces. */
import { ok } from '@holdfast/protocol/error.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { expect, it } from 'vitest';
import { ScriptedRunner, login, must, openApplication, stranger } from './fixtures.ts';

it('REC3, REC5: a recording is begun once, told in the log, read in pieces, and nobody else’s', async () => {
  using directory = temporaryDirectory();
  const { application, store } = await openApplication(directory.path);
  const runner = new ScriptedRunner(application);
  const file = Buffer.from('one two three');
  runner.onAsk = (question) =>
    question.type === 'recordingRead'
      ? ok({ data: file.subarray(question.from, question.from + 5) })
      : ok({ recordings: [] });
  await application.whenReady();
  const workspace = must(await application.createWorkspace(login, { path: '/w' }));
  const body = { kind: 'terminal' as const, workspaceId: workspace.id, title: 'Here' };
  const { id: sessionId } = must(await application.createSession(login, body, null)).session;
  const report = (source: string, position: number, fact: FactDraft) =>
    runner.report(sessionId, source, position, [fact]);
  report('deliveries', 1, { type: 'session.started', data: { generation: 1 } });

  const start = { id: 'rec1', type: 'terminal.record', action: 'start' } as const;
  expect((await application.command(stranger, sessionId, start)).ok).toBe(false);
  const receipt = must(await application.command(login, sessionId, start));
  expect(must(await application.command(login, sessionId, start))).toEqual(receipt);
  const told = () => runner.deliveries.filter(({ instruction }) => instruction.type === 'recording.start');
  await eventually('its delivery', () => told().length > 0);
  expect(told().map(({ instruction }) => instruction)).toEqual([
    { type: 'recording.start', sessionId, recordingId: 'rec1', ownerId: login.userId, title: 'Here' },
  ]);

  const began: FactDraft = { type: 'terminal.recording.started', data: { recordingId: 'rec1' } };
  report('recording:rec1', 1, began);
  const shown = async () => must(await application.session(login, sessionId)).terminal?.recording;
  await eventually('shown', async () => (await shown())?.id === 'rec1');
  report('recording:rec1', 1, began);
  const ended = { recordingId: 'rec1', bytes: 13, durationMs: 5, reason: 'full' as const };
  report('recording:rec1', 2, { type: 'terminal.recording.ended', data: ended });
  const log = async () =>
    must(await application.events(login, sessionId, { limit: 100 })).events.map(({ type }) => type);
  await eventually('told', async () => (await log()).includes('terminal.recording.ended'));
  expect(await shown()).toBeUndefined();
  expect((await log()).filter((type) => type.startsWith('terminal.recording'))).toEqual([
    'terminal.recording.started',
    'terminal.recording.ended',
  ]);

  expect(must(await application.recordings.list(login, sessionId))).toEqual([]);
  const content = must(await application.recordings.content(login, sessionId, 'rec1'));
  const pieces: string[] = [];
  for await (const piece of content) pieces.push(Buffer.from(piece).toString());
  expect(pieces).toEqual(['one t', 'wo th', 'ree']);
  for (const result of [
    await application.recordings.list(stranger, sessionId),
    await application.recordings.content(stranger, sessionId, 'rec1'),
    await application.recordings.remove(stranger, sessionId, 'rec1'),
  ]) {
    expect(result).toMatchObject({ ok: false, error: { kind: 'not_found' } });
  }
  runner.close();
  await eventually('away', async () => !(await application.recordings.list(login, sessionId)).ok);
  expect(await application.recordings.list(login, sessionId)).toMatchObject({ error: { kind: 'runner_offline' } });

  application.close();
  await store.close();
});
