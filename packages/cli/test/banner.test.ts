import { expect, it } from 'vitest';
import { banner, localOrigin, originOf, reachableOrigin } from '../src/banner.ts';

it('OPS9: one line with the link, and a QR code only when a phone could open it', () => {
  expect(originOf('::1', 1)).toBe('http://[::1]:1');
  expect(localOrigin('0.0.0.0', 1)).toBe('http://127.0.0.1:1');
  expect(localOrigin('::', 1)).toBe('http://[::1]:1');
  expect(localOrigin('192.0.2.7', 1)).toBe('http://192.0.2.7:1');
  expect(reachableOrigin('127.0.0.1', 1, null)).toBeNull();
  expect(reachableOrigin('::1', 1, null)).toBeNull();
  expect(reachableOrigin('192.0.2.7', 1, null)).toBe('http://192.0.2.7:1');
  expect(reachableOrigin('127.0.0.1', 1, 'https://h.example')).toBe('https://h.example');
  expect(banner('http://127.0.0.1:1', null, '/login#token=x')).toBe(
    'Holdfast is ready: http://127.0.0.1:1/login#token=x\n',
  );
  const withCode = banner('http://127.0.0.1:1', 'http://192.0.2.7:1', '/login#token=x');
  expect(withCode).toMatch(/^Holdfast is ready: http:\/\/192\.0\.2\.7:1\/login#token=x\n\n[ ▀▄█\n]+$/);
});
