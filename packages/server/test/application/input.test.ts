import { eventually } from '@holdfast/testkit/eventually.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { expect, it, vi } from 'vitest';
import { ScriptedRunner, login, must, openApplication, stranger } from './fixtures.ts';

it('AUTH6: keys cost one look in the store, and are refused to strangers and once a session is over or gone', async () => {
  using directory = temporaryDirectory();
  const { application, store } = await openApplication(directory.path);
  const looks = vi.spyOn(store, 'session');
  const runner = new ScriptedRunner(application);
  await application.whenReady();
  const workspace = must(await application.createWorkspace(login, { path: '/w' }));
  const create = async (): Promise<string> => {
    const body = { kind: 'terminal' as const, workspaceId: workspace.id };
    const { id } = must(await application.createSession(login, body, null)).session;
    runner.report(id, 'deliveries', 1, [{ type: 'session.started', data: { generation: 1 } }]);
    await eventually('it runs', async () => must(await application.session(login, id)).status === 'active');
    return id;
  };
  let typed = 0;
  const type = (id: string, who = login) =>
    application.input(who, id, { inputId: 'keys', offset: typed++, data: Uint8Array.of(97) });

  const [ended, deleted] = [await create(), await create()];
  for (const id of [ended, deleted]) must(await type(id));
  looks.mockClear();
  for (let key = 0; key < 10; key += 1) must(await type(ended));
  expect(looks).not.toHaveBeenCalled();
  expect(await type(ended, stranger)).toMatchObject({ ok: false, error: { kind: 'not_found' } });

  runner.report(ended, 'output', 5, [
    { type: 'terminal.exited', data: { exitCode: 0, signal: null } },
    { type: 'session.ended', data: { reason: 'exited' } },
  ]);
  await eventually('it ended', async () => must(await application.session(login, ended)).status === 'ended');
  expect(await type(ended)).toMatchObject({ ok: false, error: { kind: 'session_ended' } });

  const removed = application.deleteSession(login, deleted);
  runner.report(deleted, 'output', 5, [{ type: 'session.ended', data: { reason: 'stopped' } }]);
  must(await removed);
  expect(await type(deleted)).toMatchObject({ ok: false, error: { kind: 'not_found' } });
  application.close();
  await store.close();
});
