import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Result } from '@holdfast/protocol/error.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Authentication, type Credentials, openAuthentication } from '../../src/auth/authentication.ts';

const secret = 'ab'.repeat(32);
const from = (more: Partial<Credentials> = {}): Credentials => ({ address: '192.0.2.1', ...more });

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.kind}: ${result.error.message}`);
  return result.value;
}
const kindOf = (result: Result<unknown>): string => (result.ok ? 'ok' : result.error.kind);
const cookieOf = (setCookie: readonly string[]): string => setCookie.map((line) => line.split(';')[0]).join('; ');

describe('authentication', () => {
  let directory: ReturnType<typeof temporaryDirectory>;
  let authentication: Authentication;
  let time: number;
  let logged: string;
  const open = async (baseUrl = 'http://127.0.0.1:3030'): Promise<Authentication> =>
    valueOf(
      await openAuthentication({
        databasePath: join(directory.path, 'auth.db'),
        secret,
        baseUrl,
        log: pino({ level: 'trace' }, { write: (line: string) => void (logged += line) }),
        now: () => time,
        ownerName: 'Ada',
      }),
    );

  beforeEach(async () => {
    directory = temporaryDirectory();
    time = Date.now();
    logged = '';
    authentication = await open();
  });
  afterEach(() => {
    authentication.close();
    directory[Symbol.dispose]();
  });

  it('AUTH2: a login link logs its owner in, and then never again', async () => {
    const link = await authentication.createLoginLink();
    expect(link.path).toBe(`/login#token=${link.token}`);
    const userAgent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
    const redeemed = valueOf(await authentication.redeemLoginLink(link.token, from({ userAgent })));
    expect(redeemed.login).toMatchObject({ name: 'Ada', via: 'cookie', device: 'Firefox on Linux' });
    const login = valueOf(await authentication.login(from({ cookie: cookieOf(redeemed.setCookie) })));
    expect(login).toEqual(redeemed.login);
    expect(kindOf(await authentication.redeemLoginLink(link.token, from()))).toBe('unauthenticated');
  });

  it('AUTH2: of two at the same time one gets in', async () => {
    const { token } = await authentication.createLoginLink();
    const results = await Promise.all([1, 2, 3].map(() => authentication.redeemLoginLink(token, from())));
    expect(results.map(kindOf).sort()).toEqual(['ok', 'unauthenticated', 'unauthenticated']);
  });

  it('AUTH2: a link is good for 15 minutes; the one of the start for its run, however long', async () => {
    const soon = [await authentication.createLoginLink(), await authentication.createLoginLink()] as const;
    const stop = [await authentication.createStartLink(), await authentication.createStartLink()] as const;
    expect(soon[0].expiresAt).toBe(new Date(time + 900_000).toISOString());
    time += 899_999;
    expect(kindOf(await authentication.redeemLoginLink(soon[0].token, from()))).toBe('ok');
    time += 1;
    expect(kindOf(await authentication.redeemLoginLink(soon[1].token, from()))).toBe('unauthenticated');
    time += 86_400_000;
    expect(kindOf(await authentication.redeemLoginLink(stop[0].token, from()))).toBe('ok');
    authentication.close();
    authentication = await open();
    expect(kindOf(await authentication.redeemLoginLink(stop[1].token, from()))).toBe('unauthenticated');
  });

  it('AUTH2: a link made by another process (the command line) works here', async () => {
    const other = await open();
    const { token } = await other.createLoginLink();
    other.close();
    expect(kindOf(await authentication.redeemLoginLink(token, from()))).toBe('ok');
  });

  it('AUTH2, AUTH5: neither a link, a key nor anything that opens the door is stored or logged as it is', async () => {
    const link = await authentication.createStartLink();
    const key = valueOf(await authentication.createKey('laptop'));
    await authentication.login(from({ authorization: `Bearer ${key}` }));
    const stored = ['auth.db', 'auth.db-wal'].map((name) => readFileSync(join(directory.path, name), 'latin1')).join();
    for (const text of [link.token, key, key.slice(3)]) {
      expect(stored).not.toContain(text);
      expect(logged).not.toContain(text);
    }
    expect(stored).toContain('laptop');
  });

  it('AUTH1: the cookie is HttpOnly, SameSite=Lax, and Secure behind https', async () => {
    const { token } = await authentication.createLoginLink();
    const { setCookie } = valueOf(await authentication.redeemLoginLink(token, from()));
    expect(setCookie).toHaveLength(1);
    expect(setCookie[0]).toMatch(/; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/);
    const secure = await open('https://terminal.example.org');
    const second = await secure.createLoginLink();
    const { setCookie: secureCookie } = valueOf(await secure.redeemLoginLink(second.token, from()));
    secure.close();
    expect(secureCookie[0]).toMatch(/^__Secure-.*; Secure; SameSite=Lax$/);
  });

  it('AUTH1: a forged, foreign or ended cookie is no login', async () => {
    const { token } = await authentication.createLoginLink();
    const cookie = cookieOf(valueOf(await authentication.redeemLoginLink(token, from())).setCookie);
    const forged = `${cookie.slice(0, -8)}AAAAAAA%3D`;
    for (const wrong of [forged, 'a=b', '', ';;;=', cookie.split('.')[0]]) {
      expect(kindOf(await authentication.login(from({ cookie: wrong })))).toBe('unauthenticated');
    }
    const { loginId } = valueOf(await authentication.login(from({ cookie })));
    const ended: string[] = [];
    authentication.onEnded((id) => ended.push(id));
    expect((await authentication.logout(from({ cookie }))).join()).toMatch(/Max-Age=0/);
    expect(ended).toEqual([loginId]);
    expect(kindOf(await authentication.login(from({ cookie })))).toBe('unauthenticated');
  });

  it('AUTH1: a key logs in, under its label; a wrong one does not, even beside a good cookie', async () => {
    const key = valueOf(await authentication.createKey('  backup script '));
    expect(key).toMatch(/^hf_[A-Za-z0-9]{64}$/);
    const login = valueOf(await authentication.login(from({ authorization: `Bearer ${key}` })));
    expect(login).toMatchObject({ name: 'Ada', via: 'key', device: 'backup script' });
    const { token } = await authentication.createLoginLink();
    const cookie = cookieOf(valueOf(await authentication.redeemLoginLink(token, from())).setCookie);
    for (const authorization of [`Bearer ${key}x`, `Bearer ${key.slice(0, -1)}`, 'Bearer ', key, `Basic ${key}`, '']) {
      expect(kindOf(await authentication.login(from({ authorization, cookie })))).toBe('unauthenticated');
    }
  });

  it('AUTH5: a key needs a label', async () => {
    for (const label of ['', '   ', 'x'.repeat(201)]) {
      expect(kindOf(await authentication.createKey(label))).toBe('bad_request');
    }
  });

  it('AUTH5: a deleted key stops working within 5 seconds', async () => {
    const key = valueOf(await authentication.createKey('gone'));
    const authorization = `Bearer ${key}`;
    valueOf(await authentication.login(from({ authorization })));
    const other = new DatabaseSync(join(directory.path, 'auth.db'), { timeout: 2_000 });
    other.exec('DELETE FROM auth_key');
    other.close();
    time += 5_001;
    expect(kindOf(await authentication.login(from({ authorization })))).toBe('unauthenticated');
  });

  it('AUTH8: guessing keys is slowed down per address, and a key that was right is not', async () => {
    const authorization = `Bearer ${valueOf(await authentication.createKey('laptop'))}`;
    valueOf(await authentication.login(from({ authorization })));
    const wrong = `Bearer hf_${'x'.repeat(64)}`;
    const kinds = [];
    for (let guess = 0; guess < 25; guess += 1)
      kinds.push(kindOf(await authentication.login(from({ authorization: wrong }))));
    expect(kinds).toEqual([...Array<string>(20).fill('unauthenticated'), ...Array<string>(5).fill('rate_limited')]);
    const refused = await authentication.login(from({ authorization: wrong }));
    expect(refused.ok ? 0 : refused.error.retryAfterMs).toBe(3_000);
    const elsewhere = from({ authorization: wrong, address: '192.0.2.2' });
    expect(kindOf(await authentication.login(elsewhere))).toBe('unauthenticated');
    // Beyond the time for which a right key is not looked up again.
    time += 6_000;
    const again = [];
    for (let guess = 0; guess < 3; guess += 1) {
      again.push(kindOf(await authentication.login(from({ authorization: wrong }))));
    }
    expect(again).toEqual(['unauthenticated', 'unauthenticated', 'rate_limited']);
    expect(kindOf(await authentication.login(from({ authorization })))).toBe('ok');
  });

  it('AUTH8: a refused guess costs next to nothing', async () => {
    const guess = (n: number): string => `Bearer hf_${String(n).padStart(64, 'x')}`;
    for (let n = 0; n < 20; n += 1) await authentication.login(from({ authorization: guess(n) }));
    const before = process.cpuUsage();
    for (let n = 0; n < 2_000; n += 1) await authentication.login(from({ authorization: guess(n) }));
    const { user, system } = process.cpuUsage(before);
    const refusedMicros = (user + system) / 2_000;
    const beforeRight = process.cpuUsage();
    for (let n = 0; n < 50; n += 1) {
      await authentication.login(from({ authorization: guess(n), address: `192.0.2.${n + 10}` }));
    }
    const looked = process.cpuUsage(beforeRight);
    expect(refusedMicros).toBeLessThan((looked.user + looked.system) / 50 / 2);
  });

  it('AUTH8: guessing login links is slowed down', async () => {
    const kinds = [];
    for (let guess = 0; guess < 12; guess += 1) {
      kinds.push(kindOf(await authentication.redeemLoginLink(`guess-${guess}`, from())));
    }
    expect(kinds.slice(9)).toEqual(['unauthenticated', 'rate_limited', 'rate_limited']);
    const { token } = await authentication.createLoginLink();
    const refused = await authentication.redeemLoginLink(token, from());
    expect(refused.ok ? 0 : refused.error.retryAfterMs).toBe(6_000);
    time += 6_000;
    expect(kindOf(await authentication.redeemLoginLink(token, from()))).toBe('ok');
  });

  it('OPS3: the first start makes its tables without a word of complaint', () => {
    expect(logged.split('\n').filter((line) => line.includes('"level":50'))).toEqual([]);
  });

  it('AUTH1: opening again finds the same owner, the same logins and the same keys', async () => {
    const authorization = `Bearer ${valueOf(await authentication.createKey('laptop'))}`;
    const first = valueOf(await authentication.login(from({ authorization })));
    authentication.close();
    authentication = await open();
    expect(valueOf(await authentication.login(from({ authorization })))).toEqual(first);
  });

  it('OPS7: the database and the files beside it are readable by their owner only', () => {
    for (const name of ['auth.db', 'auth.db-wal', 'auth.db-shm']) {
      expect(statSync(join(directory.path, name)).mode & 0o777).toBe(0o600);
    }
  });

  it('OPS3: a file that is no database is refused and left as it is', async () => {
    const databasePath = join(directory.path, 'other.db');
    writeFileSync(databasePath, 'this is no database, and it must stay so '.repeat(200));
    const before = statSync(databasePath).mtimeMs;
    const result = await openAuthentication({
      databasePath,
      secret,
      baseUrl: 'http://localhost',
      log: pino({ level: 'silent' }),
      now: () => time,
      ownerName: 'Ada',
    });
    expect(kindOf(result)).toBe('unavailable');
    expect(statSync(databasePath).mtimeMs).toBe(before);
  });
});
