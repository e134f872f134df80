import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { describe, expect, it } from 'vitest';
import { AttemptLimit, addressBlock } from '../../src/auth/attempt-limit.ts';
import { deviceName } from '../../src/auth/device-name.ts';
import { hostAllowed, originAllowed } from '../../src/auth/origin-policy.ts';
import { readOrCreateSecret } from '../../src/auth/secret.ts';

describe('the secret', () => {
  it('OPS7: is made once, 32 random bytes, for its owner only', () => {
    using directory = temporaryDirectory();
    const first = readOrCreateSecret(directory.path, randomBytes);
    expect(first.ok && first.value).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(join(directory.path, 'secret')).mode & 0o777).toBe(0o600);
    expect(readOrCreateSecret(directory.path, randomBytes)).toEqual(first);
    expect(readdirSync(directory.path)).toEqual(['secret']);
  });

  it('OPS3: a damaged one is told of and left as it is', () => {
    using directory = temporaryDirectory();
    const path = join(directory.path, 'secret');
    writeFileSync(path, 'abc', { mode: 0o644 });
    const result = readOrCreateSecret(directory.path, randomBytes);
    expect(result).toMatchObject({ ok: false, error: { kind: 'unavailable' } });
    expect(readFileSync(path, 'utf8')).toBe('abc');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});

describe('attempt limit', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('AUTH8: %s counts as %s', (address, block) => {
    expect(addressBlock(address)).toBe(block);
  });

  it('AUTH8: remembers a bounded number of addresses', () => {
    const limit = new AttemptLimit({ capacity: 1, refillMs: 1_000 }, () => 0);
    for (let n = 0; n <= 10_000; n += 1) limit.take(`address ${n}`);
    expect(limit.waitMs('address 0')).toBe(0);
    expect(limit.waitMs('address 10000')).toBe(1_000);
  });
});

describe('Host and Origin', () => {
  const policy = { host: '127.0.0.1', publicUrl: 'https://terminal.example.org' };
  it.each([
    ['127.0.0.1:3030', true],
    ['localhost:3030', true],
    ['LOCALHOST', true],
    ['[::1]:3030', true],
    ['terminal.example.org', true],
    ['terminal.example.org:443', true],
    ['evil.example', false],
    ['127.0.0.1.evil.example:3030', false],
    ['localhost.evil.example', false],
    ['evil.example#localhost', false],
    ['user@localhost', false],
    ['localhost:99999', false],
    ['192.0.2.7:3030', false],
    ['', false],
    ['localhost, evil.example', false],
    [undefined, false],
  ])('AUTH4: Host %j → %s', (host, allowed) => {
    expect(hostAllowed(policy, host)).toBe(allowed);
  });

  it.each([
    ['0.0.0.0', '192.0.2.7:3030', true],
    ['::', '[2001:db8::1]:3030', true],
    ['0.0.0.0', 'evil.example:3030', false],
    ['box.lan', 'box.lan:3030', true],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
  ])('AUTH4: bound to %s, Host %s → %s', (host, given, allowed) => {
    expect(hostAllowed({ host, publicUrl: null }, given)).toBe(allowed);
  });

  it.each([
    ['http://127.0.0.1:3030', '127.0.0.1:3030', true],
    ['http://localhost:3030', '127.0.0.1:3030', true],
    ['http://[::1]:3030', 'localhost:3030', true],
    ['https://terminal.example.org', 'terminal.example.org', true],
    ['https://terminal.example.org', '127.0.0.1:3030', true],
    ['http://terminal.example.org', '127.0.0.1:3030', false],
    ['http://localhost:5173', 'localhost:3030', false],
    ['http://evil.example', '127.0.0.1:3030', false],
    ['http://evil.example', 'evil.example', false],
    ['null', '127.0.0.1:3030', false],
    ['', '127.0.0.1:3030', false],
    ['http://localhost:3030/path', 'localhost:3030', false],
    ['file://', 'localhost:3030', false],
    [undefined, '127.0.0.1:3030', false],
  ])('AUTH3: Origin %j at Host %s → %s', (origin, host, allowed) => {
    expect(originAllowed(policy, origin, host)).toBe(allowed);
  });
});

describe('device names', () => {
  it.each([
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
      'Safari on iPhone',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0',
      'Edge on Windows',
    ],
    [
      'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    ['curl/8.5.0', 'curl'],
    ['', 'unknown device'],
  ])('APPR2: %j is called %s', (userAgent, name) => {
    expect(deviceName(userAgent)).toBe(name);
  });
});
