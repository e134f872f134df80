/** Lists of sessions and workspaces: part of the store contract. */
import type { SessionQuery, SessionRow, Store } from '@holdfast/store/store.ts';
import { describe, expect, it } from 'vitest';
import { decideOn, message, newSession, time, unwrap, workspace } from './samples.ts';

/** `current` answers the store under test, with `workspace` in it. */
export function listContract(current: () => Store): void {
  const list = async (query: Partial<SessionQuery> = {}) =>
    unwrap(await current().sessions({ limit: 100, ...query })).sessions.map((session) => session.id);

  /** Follows the cursors to the end. */
  const pages = async (query: Partial<SessionQuery>, between: () => Promise<void> = () => Promise.resolve()) => {
    const ids: string[][] = [];
    let cursor: string | undefined;
    do {
      const page = unwrap(
        await current().sessions({ limit: 2, ...query, ...(cursor === undefined ? {} : { cursor }) }),
      );
      ids.push(page.sessions.map((session) => session.id));
      cursor = page.nextCursor;
      if (ids.length > 20) throw new Error('the pages have no end');
      await between();
    } while (cursor !== undefined);
    return ids;
  };

  const add = async (id: string, at: number, more: Parameters<typeof newSession>[1] = {}, title = id) =>
    unwrap(await current().createSession(newSession(id, { at: time(at), ...more }), null, decideOn({ title })));
  const touch = async (id: string, at: number) =>
    unwrap(await current().command(id, { commandId: `t${at}`, fingerprint: '' }, time(at), decideOn({})));

  describe('lists', () => {
    it('LOG12: sessions are listed by newest activity, and equal times by id', async () => {
      await add('a', 1);
      await add('b', 3);
      await add('d', 2);
      await add('c', 2);
      expect(await list()).toEqual(['b', 'd', 'c', 'a']);
      await touch('a', 9);
      expect(await list()).toEqual(['a', 'b', 'd', 'c']);
    });

    it('LOG12: pages list every session once, also while others move to the front', async () => {
      for (const [index, id] of ['a', 'b', 'c', 'd', 'e'].entries()) await add(id, index < 3 ? 1 : 2);
      expect(await pages({})).toEqual([['e', 'd'], ['c', 'b'], ['a']]);
      expect(await pages({ limit: 5 })).toEqual([['e', 'd', 'c', 'b', 'a']]);
      expect(await pages({ ownerId: 'nobody' })).toEqual([[]]);
      let second = 10;
      const seen = await pages({ limit: 1 }, async () => {
        await add(`n${second}`, second);
        await touch('e', (second += 1));
      });
      expect(seen.flat()).toEqual(['e', 'd', 'c', 'b', 'a']);
    });

    it('EXPORT4: what an owner archived is listed whole, the longest untouched first', async () => {
      for (const [id, at] of Object.entries({ a: 3, b: 1, c: 2 })) {
        await add(id, at);
        await current().flagSession(id, { archived: true });
      }
      await add('d', 0);
      await add('e', 0, { ownerId: 'bob' });
      await current().flagSession('e', { archived: true });
      expect(await current().archivedSessions('ada')).toEqual(['b', 'c', 'a']);
    });

    it('LOG12, SESSION6: what is passed over is missing from the pages and from nowhere else', async () => {
      for (let index = 0; index < 150; index += 1) await add(`s${String(index).padStart(3, '0')}`, index);
      const rare = ({ id }: SessionRow) => id.endsWith('7') || id === 's000';
      const expected = (await list({ limit: 200 })).filter((id) => id.endsWith('7') || id === 's000');
      expect(expected).toHaveLength(16);
      expect((await pages({ matches: rare })).flat()).toEqual(expected);
      expect((await pages({ matches: rare, limit: 16 })).flat()).toEqual(expected);
      expect(await pages({ matches: () => false })).toEqual([[]]);
    });

    it('PRESENCE10: what is nobody’s activity leaves a session where it is', async () => {
      await add('a', 1);
      await add('b', 2);
      unwrap(await current().change('a', time(9), decideOn({ facts: [message('x')], silent: true })));
      expect(await list()).toEqual(['b', 'a']);
    });

    it('LOG12: filters combine, also with a cursor', async () => {
      unwrap(await current().createWorkspace({ ...workspace, id: 'w2' }));
      await add('a', 1, { ownerId: 'bob' });
      await add('b', 2, { workspaceId: 'w2' });
      await add('c', 3, { workspaceId: 'w2' });
      await add('d', 4);
      unwrap(await current().command('c', { commandId: 'e', fingerprint: '' }, time(3), decideOn({ status: 'ended' })));
      expect(await list({ ownerId: 'bob' })).toEqual(['a']);
      expect(await list({ workspaceId: 'w2' })).toEqual(['c', 'b']);
      expect(await list({ workspaceId: 'w2', status: 'ended' })).toEqual(['c']);
      expect(await list({ ownerId: 'bob', status: 'ended' })).toEqual([]);
      expect(await pages({ ownerId: 'ada', limit: 1 })).toEqual([['d'], ['c'], ['b']]);
    });

    it('LOG12: a part of the title is found in any case and script, and stands for itself', async () => {
      await add('a', 1, {}, 'Größe 100% der ÄNDERUNG');
      await add('b', 2, {}, 'Привет_мир');
      await add('c', 3, {}, 'back\\slash');
      await add('d', 4, {}, 'plain');
      expect(await list({ titlePart: 'änder' })).toEqual(['a']);
      expect(await list({ titlePart: 'ПРИВЕТ' })).toEqual(['b']);
      expect(await list({ titlePart: 'PLAIN' })).toEqual(['d']);
      expect(await list({ titlePart: '%' })).toEqual(['a']);
      expect(await list({ titlePart: '_' })).toEqual(['b']);
      expect(await list({ titlePart: '\\' })).toEqual(['c']);
      expect(await list({ titlePart: "'; drop table sessions; --" })).toEqual([]);
      expect(await list({ titlePart: 'gro\u0308ße' })).toEqual(['a']);
    });

    it.each(['', 'x', '!!!', 'bnVsbA', Buffer.from('["now","a"]').toString('base64url'), 'a'.repeat(5_000)])(
      'WIRE1: a cursor that is none of ours is refused: %s',
      async (cursor) => {
        expect(await current().sessions({ limit: 1, cursor })).toMatchObject({ error: { kind: 'bad_request' } });
      },
    );

    it('LINK3: the open sessions of a runner are those neither ended nor failed', async () => {
      const statuses = ['creating', 'active', 'waiting', 'interrupted', 'ended', 'failed'] as const;
      for (const status of statuses) {
        unwrap(await current().createSession(newSession(status), null, decideOn({ status })));
      }
      await add('elsewhere', 1, { runnerId: 'r2' });
      const open = await current().openSessions('r1');
      expect(open.map((session) => session.id).toSorted()).toEqual(['active', 'creating', 'interrupted', 'waiting']);
      expect(open[0]).toEqual(await current().session(open[0]?.id ?? ''));
    });

    it('LOG12: pinning and archiving is no activity', async () => {
      await add('a', 1);
      await add('b', 2);
      expect(await current().flagSession('a', { pinned: true })).toMatchObject({ pinned: true, archived: false });
      expect(await current().flagSession('a', { archived: true })).toMatchObject({ pinned: true, archived: true });
      expect(await current().flagSession('a', { pinned: false })).toMatchObject({ pinned: false, archived: true });
      expect(await current().flagSession('a', {})).toEqual(await current().session('a'));
      expect(await current().flagSession('none', { pinned: true })).toBeNull();
      await touch('a', 1);
      expect(await current().session('a')).toMatchObject({ pinned: false, archived: true });
      expect(await list()).toEqual(['b', 'a']);
    });
  });

  describe('workspaces', () => {
    it('LOG13: a workspace is kept as it was made, listed oldest first and renamed', async () => {
      const later = { ...workspace, id: 'w0', ownerId: 'bob', createdAt: time(5) };
      expect(unwrap(await current().createWorkspace(later))).toEqual(later);
      expect(await current().createWorkspace(later)).toMatchObject({ error: { kind: 'conflict' } });
      expect(await current().workspace('w1')).toEqual(workspace);
      expect(await current().workspaces()).toEqual([workspace, later]);
      expect(await current().workspaces('bob')).toEqual([later]);
      expect(await current().renameWorkspace('w0', 'New')).toEqual({ ...later, name: 'New' });
      expect(await current().workspace('w0')).toEqual({ ...later, name: 'New' });
      expect(await current().renameWorkspace('none', 'New')).toBeNull();
      expect(await current().workspace('none')).toBeNull();
    });

    it('LOG13: a workspace in use is not deleted, and no session is made in one that is gone', async () => {
      await add('a', 1);
      expect(await current().deleteWorkspace('w1')).toMatchObject({ error: { kind: 'conflict' } });
      unwrap(await current().command('a', { commandId: 'c', fingerprint: '' }, time(2), decideOn({ status: 'ended' })));
      expect(await current().deleteWorkspace('w1')).toEqual({ ok: true, value: null });
      expect(await current().deleteWorkspace('w1')).toMatchObject({ error: { kind: 'not_found' } });
      expect(await current().session('a')).toMatchObject({ workspaceId: 'w1', status: 'ended' });
      const late = await current().createSession(newSession('b'), null, decideOn({}));
      expect(late).toMatchObject({ error: { kind: 'not_found' } });
    });
  });
}
