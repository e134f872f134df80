/** The uploader against HTTP: a server that forgets, refuses, hangs up and comes back. */
import type { UploadProgress } from '@holdfast/core/client/upload-machine.ts';
import { errorStatus, type ErrorBody } from '@holdfast/protocol/error.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRestClient } from '../src/rest.ts';
import { type UploadHandle, startUpload } from '../src/uploader.ts';
import { fastClock } from './fixtures.ts';
import { ScriptedServer } from './scripted-server.ts';

const size = 700_000;
const data = Buffer.from(Array.from({ length: size }, (_, index) => index % 251));

let server: ScriptedServer;
let there: Buffer;
/** What the next requests come to: an error, a hang-up before the answer, or as it should be. */
let faults: (ErrorBody | 'hang up' | 'forget' | null)[];
let removed: string[];
let queries: URLSearchParams[];

beforeEach(async () => {
  there = Buffer.alloc(0);
  faults = [];
  removed = [];
  queries = [];
  server = await ScriptedServer.start();
  server.http = (request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    if (request.method === 'DELETE') {
      removed.push(url.pathname);
      response.writeHead(204).end();
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const fault = faults.shift() ?? null;
      queries.push(url.searchParams);
      const offset = Number(url.searchParams.get('offset'));
      const refuse = (error: ErrorBody): void => {
        response.writeHead(errorStatus[error.kind]).end(JSON.stringify({ error }));
      };
      if (fault === 'forget') there = there.subarray(0, 100_000);
      else if (fault !== null && fault !== 'hang up') return refuse(fault);
      if (offset > there.length) {
        return refuse({ kind: 'conflict', message: 'gap', details: { offset: there.length } });
      }
      there = Buffer.concat([there.subarray(0, offset), ...chunks]);
      if (fault === 'hang up') return void request.socket.destroy();
      const [name, mediaType] = [url.searchParams.get('name'), url.searchParams.get('mediaType')];
      const state = { id: 'u1', name, mediaType, size, offset: there.length, complete: there.length === size };
      response.writeHead(200).end(JSON.stringify(state));
    });
  };
});
afterEach(() => server.stop());

function start(): { handle: UploadHandle; seen: UploadProgress[] } {
  const random = seededRandom(3);
  const handle = startUpload(
    { sessionId: 's 1', uploadId: 'u1', name: 'é.png', mediaType: 'image/png', data: new Blob([data]) },
    {
      rest: createRestClient({ url: server.url, key: 'secret' }),
      clock: fastClock(100),
      random: () => random.next(),
    },
  );
  const seen: UploadProgress[] = [];
  handle.progress.subscribe((progress) => seen.push(progress));
  return { handle, seen };
}

const complete = (handle: UploadHandle) => eventually('complete', () => handle.progress.get().status === 'complete');

it('UPLOAD12: a file arrives in pieces with what is said of it', async () => {
  const { handle, seen } = start();
  await complete(handle);
  expect(there.equals(data)).toBe(true);
  expect(seen.map(({ offset }) => offset)).toEqual([0, 262_144, 524_288, size]);
  expect(queries[0]?.get('name')).toBe('é.png');
  expect(queries[0]?.get('size')).toBe(String(size));
});

it('UPLOAD12, UPLOAD2: answers lost, a server away, a disk that forgot: it goes on by itself and the bytes are right', async () => {
  faults = ['hang up', { kind: 'runner_offline', message: 'away' }, null, 'forget', { kind: 'internal', message: 'x' }];
  const { handle, seen } = start();
  await complete(handle);
  expect(there.equals(data)).toBe(true);
  expect(seen.filter(({ status }) => status === 'waiting').length).toBeGreaterThanOrEqual(3);
  expect(seen.some(({ status }) => status === 'failed')).toBe(false);
});

it('UPLOAD12: a refusal that trying again does not cure is shown and can be tried again', async () => {
  faults = [null, { kind: 'quota_exceeded', message: 'full', details: { limit: 1, current: 1 } }];
  const { handle } = start();
  await eventually('failed', () => handle.progress.get().status === 'failed');
  expect(handle.progress.get()).toMatchObject({ offset: 262_144, error: { kind: 'quota_exceeded' } });
  handle.retry();
  await complete(handle);
  expect(there.equals(data)).toBe(true);
});

it('UPLOAD12: closed, nothing more is sent; removed, what is there is taken back', async () => {
  // Long enough that it is still waiting when it is looked at.
  faults = [{ kind: 'runner_offline', message: 'away', retryAfterMs: 10_000_000 }];
  const { handle, seen } = start();
  await eventually('waiting', () => handle.progress.get().status === 'waiting');
  handle.remove();
  const heard = seen.length;
  handle.wake();
  handle.retry();
  await eventually('removed', () => removed.length === 1);
  expect(removed).toEqual(['/api/sessions/s%201/uploads/u1']);
  expect(queries).toHaveLength(1);
  expect(seen).toHaveLength(heard);
});

it('UPLOAD12: a file that cannot be read any more is given back, and not taken for a lost network', async () => {
  class Gone extends Blob {
    override slice(): Blob {
      return Object.assign(new Blob(), {
        arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotReadableError')),
      });
    }
  }
  const handle = startUpload(
    { sessionId: 's', uploadId: 'u1', name: 'a', mediaType: 'text/plain', data: new Gone(['abc']) },
    { rest: createRestClient({ url: server.url, key: 'secret' }), clock: fastClock(100), random: () => 0.5 },
  );
  await eventually('given back', () => handle.progress.get().status === 'failed');
  expect(handle.progress.get()).toMatchObject({
    error: { kind: 'bad_request', message: expect.stringContaining('cannot be read') as string },
  });
  expect(queries).toEqual([]);
});
