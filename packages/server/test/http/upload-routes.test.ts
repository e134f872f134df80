import { request as nodeRequest } from 'node:http';
import { errorResponseSchema } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { uploadStateSchema } from '@holdfast/protocol/upload.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Doors, openDoors } from './doors.ts';

let doors: Doors;
beforeAll(async () => {
  doors = await openDoors();
});
afterAll(() => doors[Symbol.asyncDispose]());

const octets = { 'content-type': 'application/octet-stream' };
const put = (
  query: Record<string, string | number>,
  body: BodyInit,
  headers: Record<string, string> = octets,
  id = 'up1',
): Promise<Response> => {
  const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return doors.ask(`/api/sessions/s1/uploads/${id}?${parameters.toString()}`, {
    method: 'PUT',
    headers,
    body,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  });
};
const kindOf = async (response: Response): Promise<string> =>
  errorResponseSchema.parse(await response.json()).error.kind;
const image = { offset: 0, size: 4, name: 'a.png', mediaType: 'image/png' };

describe('PUT', () => {
  it('UPLOAD1: bytes go to the application as they come, with what is said of them', async () => {
    const bytes = Buffer.from([0, 255, 10, 13]);
    const response = await put(image, bytes);
    expect(response.status).toBe(200);
    expect(uploadStateSchema.parse(await response.json())).toMatchObject({
      id: 'up1',
      complete: true,
      ...image,
      offset: 4,
    });
    expect(doors.application.uploaded.get('up1')?.bytes).toEqual(bytes);
    // What is not said is a file of no special kind.
    await put({ offset: 0, size: 0, name: 'x' }, '', octets, 'up2');
    expect(doors.application.uploaded.get('up2')?.about.mediaType).toBe('application/octet-stream');
  });

  it('UPLOAD3, WIRE4: more than one request takes is refused by its length before it is read, or once it is over', async () => {
    const large = Buffer.alloc(limits.requestBytes + 1);
    const about = { ...image, size: large.length };
    const refused = await put(about, large, octets, 'up3');
    expect([refused.status, await kindOf(refused)]).toEqual([413, 'payload_too_large']);
    expect(doors.application.uploaded.has('up3')).toBe(false);
    // Without a length, a piece at a time, and for ever.
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const over = await put(about, endless, octets, 'up4').catch((error: unknown) => error);
    if (over instanceof Response) expect([over.status, await kindOf(over)]).toEqual([413, 'payload_too_large']);
    expect(doors.application.uploaded.get('up4')?.bytes.length).toBeLessThanOrEqual(limits.requestBytes);
    expect(sent).toBeLessThan(64 * limits.requestBytes);
    expect((await put(image, Buffer.alloc(limits.requestBytes), octets, 'up5')).status).toBe(200);
  });

  it('UPLOAD3, WIRE1: what is said wrongly is a bad_request, and so is a body that is something else', async () => {
    const wrong: Record<string, string | number>[] = [
      {},
      { ...image, offset: -1 },
      { ...image, size: 'much' },
      { ...image, name: '' },
      { ...image, name: 'x'.repeat(1_025) },
      { ...image, mediaType: 'image/png; a=b' },
      { ...image, mediaType: '../x' },
    ];
    for (const query of wrong) {
      const response = await put(query, 'abcd');
      expect([response.status, await kindOf(response)]).toEqual([400, 'bad_request']);
    }
    const json = await put(image, '{"a": 1}', { 'content-type': 'application/json' });
    expect([json.status, await kindOf(json)]).toEqual([400, 'bad_request']);
    expect((await put(image, 'abcd', octets, 'bad%20id')).status).toBe(400);
  });

  it('UPLOAD2: a request that is broken off has brought what came of it, and harms nobody', async () => {
    const before = doors.application.uploaded.size;
    const request = nodeRequest(`${doors.url}/api/sessions/s1/uploads/cut?offset=0&size=100&name=x`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${doors.key}`, ...octets, 'content-length': '100' },
    });
    request.on('error', () => undefined);
    request.write(Buffer.alloc(40, 'x'));
    await eventually('the first bytes', () => doors.application.uploaded.get('cut')?.bytes.length === 40);
    request.destroy();
    expect(doors.application.uploaded.size).toBe(before + 1);
    expect(doors.application.uploaded.get('cut')?.bytes.length).toBe(40);
    expect((await put(image, 'abcd')).status).toBe(200);
  });

  it('WIRE4: other routes still take JSON and nothing else', async () => {
    const response = await doors.ask('/api/sessions/s1/commands', { method: 'POST', headers: octets, body: 'x' });
    expect([response.status, await kindOf(response)]).toEqual([400, 'bad_request']);
  });
});

describe('GET content', () => {
  const content = (id: string, headers: Record<string, string> = {}) =>
    doors.ask(`/api/sessions/s1/uploads/${id}/content`, { headers });

  it('UPLOAD11: an image is shown as what it is and nothing else can act in the page', async () => {
    await put(image, Buffer.from([1, 2, 3, 4]), octets, 'img');
    const response = await content('img');
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from([1, 2, 3, 4]));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': '4',
      'content-disposition': "inline; filename*=UTF-8''a.png",
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-cache',
    });
    const again = await content('img', { 'if-none-match': response.headers.get('etag') ?? '' });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it.each(['image/svg+xml', 'text/html', 'application/pdf', 'application/javascript', 'image/bmp'])(
    'UPLOAD11: %s is saved, never shown',
    async (mediaType) => {
      const name = `"evil"; x=(y)*'.${'ä'}`;
      await put({ ...image, name, mediaType }, '<b/>', octets, 'page');
      const { headers, status } = await content('page');
      expect(status).toBe(200);
      expect(headers.get('content-type')).toBe('application/octet-stream');
      const disposition = headers.get('content-disposition') ?? '';
      expect(disposition).toMatch(/^attachment; filename\*=UTF-8''[A-Za-z0-9%._!~-]+$/);
      expect(decodeURIComponent(disposition.split("''")[1] ?? '')).toBe(name);
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
    },
  );

  it('UPLOAD11: one that is not there is not_found', async () => {
    const response = await content('none');
    expect([response.status, await kindOf(response)]).toEqual([404, 'not_found']);
    expect((await doors.ask('/api/sessions/s1/uploads/none', { method: 'DELETE' })).status).toBe(404);
    expect((await doors.ask('/api/sessions/s1/uploads/u1', { method: 'DELETE' })).status).toBe(204);
  });
});
