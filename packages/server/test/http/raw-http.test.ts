/** What no HTTP library would send. */
import { connect } from 'node:net';
import { errorResponseSchema } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Doors, openDoors } from './doors.ts';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors[Symbol.asyncDispose]());

/** Sends the text, reads until the server closes or has answered whole. */
function raw(text: string): Promise<{ status: number; kind: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect(doors.port, '127.0.0.1', () => socket.write(text, 'latin1'));
    let answer = '';
    socket.on('data', (data) => {
      answer += data.toString('latin1');
      const [head = '', body = ''] = answer.split('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
      if (!(body.length >= length)) return;
      socket.destroy();
      const status = Number(head.split(' ')[1]);
      resolve({ status, kind: status < 400 ? 'ok' : errorResponseSchema.parse(JSON.parse(body)).error.kind });
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed after: ${answer}`)));
  });
}

const host = 'host: 127.0.0.1\r\n';

describe('broken HTTP', () => {
  const key = (): string => `authorization: Bearer ${doors.key}\r\n`;

  it.each<[string, (key: string) => string, number, string]>([
    ['no Host', () => 'GET /healthz HTTP/1.1\r\n\r\n', 403, 'forbidden'],
    ['an empty Host', () => 'GET /healthz HTTP/1.1\r\nhost:\r\n\r\n', 403, 'forbidden'],
    ['HTTP/1.0 without Host', () => 'GET /healthz HTTP/1.0\r\n\r\n', 403, 'forbidden'],
    ['no HTTP at all', () => 'hello there\r\n\r\n', 400, 'bad_request'],
    ['an unknown method', () => `BREW /healthz HTTP/1.1\r\n${host}\r\n`, 400, 'bad_request'],
    ['a method nobody has', () => `PROPFIND /api/sessions HTTP/1.1\r\n${host}\r\n`, 404, 'not_found'],
    ['a method this address has not', () => `DELETE /healthz HTTP/1.1\r\n${host}\r\n`, 404, 'not_found'],
    [
      'headers over the limit',
      () => `GET /healthz HTTP/1.1\r\n${host}x: ${'y'.repeat(20_000)}\r\n\r\n`,
      413,
      'payload_too_large',
    ],
    [
      'two lengths',
      (k) => `POST /api/workspaces HTTP/1.1\r\n${host}${k}content-length: 1\r\ncontent-length: 2\r\n\r\n{}`,
      400,
      'bad_request',
    ],
    [
      'length and chunks',
      (k) => `POST /api/workspaces HTTP/1.1\r\n${host}${k}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}`,
      400,
      'bad_request',
    ],
    [
      'a broken chunk',
      (k) =>
        `POST /api/workspaces HTTP/1.1\r\n${host}${k}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`,
      400,
      'bad_request',
    ],
    ['an undecodable address', (k) => `GET /api/sessions/%E0%A4%A HTTP/1.1\r\n${host}${k}\r\n`, 400, 'bad_request'],
    [
      'bytes that are no UTF-8',
      (k) =>
        `POST /api/workspaces HTTP/1.1\r\n${host}${k}content-type: application/json\r\ncontent-length: 13\r\n\r\n{"path":"\xff\xfe" `,
      400,
      'bad_request',
    ],
  ])('WIRE3: %s', async (_what, text, status, kind) => {
    expect(await raw(text(key()))).toEqual({ status, kind });
    expect(await raw(`GET /healthz HTTP/1.1\r\n${host}\r\n`)).toEqual({ status: 200, kind: 'ok' });
  });

  it('WIRE4: a body over the limit is refused by its announced length, before any of it came', async () => {
    const text = `POST /api/workspaces HTTP/1.1\r\n${host}${key()}content-type: application/json\r\ncontent-length: ${limits.requestBytes + 1}\r\n\r\n`;
    expect(await raw(text)).toEqual({ status: 413, kind: 'payload_too_large' });
  });

  it('WIRE4: a body over the limit in chunks is refused before its end', async () => {
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const text = `POST /api/workspaces HTTP/1.1\r\n${host}${key()}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(17)}`;
    expect(await raw(text)).toEqual({ status: 413, kind: 'payload_too_large' });
  });

  it('AUTH1: a body is not even read without a login', async () => {
    const text = `POST /api/workspaces HTTP/1.1\r\n${host}content-type: application/json\r\ncontent-length: 1000\r\n\r\n`;
    expect(await raw(text)).toEqual({ status: 401, kind: 'unauthenticated' });
  });
});
