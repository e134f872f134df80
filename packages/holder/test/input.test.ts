import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectHolder } from '../src/client.ts';
import { encodeJson, FrameReader } from '../src/wire.ts';
import type { TestHolder } from './holder-fixture.ts';
import { collect, errorKind, exitOf, pipe, startHolder, value } from './holder-fixture.ts';

let test: TestHolder;
beforeAll(async () => {
  test = await startHolder();
});
afterAll(() => test[Symbol.asyncDispose]());

const bytes = (from: number, length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, index) => (from + index) % 251));

describe('input streams', () => {
  it('HOLD13: under repeats, overlaps, losses and changing clients every byte is written once and in order', async () => {
    const { holder } = test;
    for (let seed = 1; seed <= 10; seed += 1) {
      const random = seededRandom(seed);
      const id = `mixed${seed}.1`;
      value(await holder.spawn(id, pipe('cat'), {}));
      const output = collect(holder, id);
      let client = await test.connect();
      let written = 0;
      for (let message = 0; message < 60; message += 1) {
        const offset = Math.max(0, written - 20 + random.integer(30));
        const length = 1 + random.integer(25);
        const before = written;
        // One that dies takes its answers with it, not what it has written.
        const answer = client.input(id, 'page-1', offset, bytes(offset, length));
        if (random.integer(8) === 0) {
          await client.list();
          client.close();
          client = await test.connect();
        }
        if (offset <= before) written = Math.max(written, offset + length);
        const told = await answer;
        if (told.ok) expect(told.value).toBe(offset <= before ? written : before);
      }
      await eventually('all came', () => output.bytes().length >= written);
      expect(output.bytes().equals(bytes(0, written)), `seed ${seed}`).toBe(true);
      client.close();
      value(await holder.signal(id, 'SIGKILL'));
    }
  });

  it('HOLD13: streams are apart, their places outlive the process’s end, and another process begins anew', async () => {
    const { holder } = test;
    for (const id of ['apart.1', 'apart.2']) value(await holder.spawn(id, pipe('cat'), {}));
    expect(value(await holder.input('apart.1', 'a', 0, bytes(0, 5)))).toBe(5);
    expect(value(await holder.input('apart.1', 'b', 5, bytes(5, 1)))).toBe(0);
    expect(value(await holder.input('apart.2', 'a', 5, bytes(5, 1)))).toBe(0);
    value(await holder.closeInput('apart.1'));
    await exitOf(holder, 'apart.1');
    expect(value(await holder.input('apart.1', 'a', 2, bytes(2, 3)))).toBe(5);
    expect(errorKind(await holder.input('apart.1', 'a', 2, bytes(2, 4)))).toBe('exited');
    value(await holder.signal('apart.2', 'SIGKILL'));
  });

  it('HOLD13: what a full program refused leaves no hole: what comes after it is not written either', async () => {
    const { holder } = test;
    const mebibyte = 1024 * 1024;
    value(await holder.spawn('full.1', pipe('exec sleep 1000'), {}));
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, block) => holder.input('full.1', 'a', block * mebibyte, bytes(0, mebibyte))),
    );
    const kinds = answers.map(errorKind);
    const refused = kinds.indexOf('too_large');
    expect(kinds.slice(0, refused)).toEqual(Array(refused).fill('ok'));
    expect(refused).toBeGreaterThan(6);
    expect(value(await holder.input('full.1', 'a', (refused + 1) * mebibyte, bytes(0, 1)))).toBe(refused * mebibyte);
    value(await holder.signal('full.1', 'SIGKILL'));
  });

  it('HOLD13: the last 4096 streams of a process are remembered', async () => {
    const { holder } = test;
    value(await holder.spawn('many.1', pipe('cat'), {}));
    await Promise.all(Array.from({ length: 4_096 }, (_, n) => holder.input('many.1', `s${n}`, 0, bytes(0, 1))));
    expect(value(await holder.input('many.1', 's0', 0, bytes(0, 1)))).toBe(1);
    expect(value(await holder.input('many.1', 'new', 0, bytes(0, 1)))).toBe(1);
    expect(value(await holder.input('many.1', 's0', 1, bytes(1, 1)))).toBe(2);
    expect(value(await holder.input('many.1', 's1', 1, bytes(1, 1)))).toBe(0);
    value(await holder.signal('many.1', 'SIGKILL'));
  });

  it('WIRE1: a stream without a name, an unknown process and an offset beyond 48 bits are refused', async () => {
    const { holder } = test;
    expect(errorKind(await holder.input('nobody.1', 'a', 0, bytes(0, 1)))).toBe('not_found');
    expect(errorKind(await holder.input('nobody.1', '', 0, bytes(0, 1)))).toBe('bad_request');
    expect(errorKind(await holder.input('nobody.1', 'n'.repeat(201), 0, bytes(0, 1)))).toBe('bad_request');
    expect(errorKind(await holder.input('nobody.1', 'a', 2 ** 50, bytes(0, 1)))).toBe('too_large');
  });
});

it('HOLD11: a holder of version 1 is written to as it understands it', async () => {
  using directory = temporaryDirectory();
  const path = join(directory.path, 'old.sock');
  const written: string[] = [];
  let refuse = false;
  const server = createServer((socket) => {
    const frames = new FrameReader();
    socket.on('data', (chunk: Buffer) => {
      for (const frame of frames.push(chunk)) {
        if (frame.type === 'json') {
          socket.write(encodeJson({ type: 'hello', version: 1, pid: 1, orphans: [] }) as Buffer);
        } else if (frame.type === 'write') {
          const error = { kind: 'too_large', message: 'full' };
          const result = refuse ? { ok: false, error } : { ok: true, value: null };
          if (!refuse) written.push(Buffer.from(frame.bytes).toString());
          socket.write(encodeJson({ type: 'reply', call: frame.call, result }) as Buffer);
        }
      }
    });
  });
  server.listen(path);
  await eventually('listening', () => existsSync(path));
  const holder = value(await connectHolder({ socketPath: path }));
  expect(value(await holder.input('s.1', 'a', 7, Buffer.from('abc')))).toBe(10);
  expect(value(await holder.input('s.1', 'a', 8, Buffer.from('bcde')))).toBe(12);
  expect(value(await holder.input('s.1', 'a', 7, Buffer.from('abc')))).toBe(12);
  expect(value(await holder.input('s.1', 'a', 14, Buffer.from('x')))).toBe(12);
  refuse = true;
  expect(errorKind(await holder.input('s.1', 'a', 12, Buffer.from('fg')))).toBe('too_large');
  refuse = false;
  expect(value(await holder.input('s.1', 'a', 12, Buffer.from('fg')))).toBe(14);
  expect(written.join('')).toBe('abcdefg');
  // A larger frame would cost it the connection.
  expect(holder.maximumWriteBytes).toBe(1024 * 1024);
  expect(errorKind(await holder.write('s.1', Buffer.alloc(1024 * 1024 + 1)))).toBe('too_large');
  expect(errorKind(await holder.write('s.1', Buffer.from('still there')))).toBe('ok');
  holder.close();
  server.close();
});
