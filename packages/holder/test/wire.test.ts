import { seededRandom } from '@holdfast/testkit/random.ts';
import { describe, expect, it } from 'vitest';
import { parseMessage } from '../src/message.ts';
import type { Frame } from '../src/wire.ts';
import {
  encodeDataHeader,
  encodeInput,
  encodeJson,
  encodeWrite,
  FrameReader,
  MalformedFrame,
  maximumFrameBytes,
} from '../src/wire.ts';

function sample(seed: number): { frames: Frame[]; bytes: Buffer } {
  const random = seededRandom(seed);
  const frames: Frame[] = [];
  const parts: Uint8Array[] = [];
  for (let count = 0; count < 20; count++) {
    const bytes = Buffer.from(Array.from({ length: random.integer(300) }, () => random.integer(256)));
    switch (random.integer(4)) {
      case 0: {
        const value = { type: 'release', id: 'ä'.repeat(random.integer(9)), offset: random.integer(1e9) };
        frames.push({ type: 'json', value });
        parts.push(encodeJson(value) as Buffer);
        break;
      }
      case 1: {
        const [reader, offset] = [random.integer(2 ** 32), random.integer(2 ** 48)];
        frames.push({ type: 'data', reader, offset, bytes });
        parts.push(encodeDataHeader(reader, offset, bytes.length), bytes);
        break;
      }
      case 2: {
        const [stream, offset] = [random.pick(['page-1', 'ключ']), random.integer(2 ** 48)];
        frames.push({ type: 'input', call: count, id: 'session.1', stream, offset, bytes });
        parts.push(encodeInput(count, 'session.1', stream, offset, bytes) as Buffer);
        break;
      }
      default: {
        const token = random.pick([null, 'token', 'ключ']);
        frames.push({ type: 'write', call: count, id: 'session.1', token, bytes });
        parts.push(encodeWrite(count, 'session.1', token, bytes) as Buffer);
      }
    }
  }
  return { frames, bytes: Buffer.concat(parts) };
}

describe('frames', () => {
  it('WIRE1: frames cut anywhere come out as they went in', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const { frames, bytes } = sample(seed);
      const random = seededRandom(seed + 1_000);
      const reader = new FrameReader();
      const read: Frame[] = [];
      for (let at = 0; at < bytes.length;) {
        const size = 1 + random.integer(random.pick([3, 50, 2_000]));
        read.push(...reader.push(bytes.subarray(at, at + size)));
        at += size;
      }
      expect(read).toEqual(frames);
    }
  });

  it('HOLD4: mutated and random bytes are frames or MalformedFrame, and messages or malformed, and nothing else', () => {
    for (let seed = 1; seed <= 400; seed++) {
      const random = seededRandom(seed);
      const { bytes } = sample(seed % 7);
      for (let change = 0; change <= random.integer(8); change++) {
        bytes[random.integer(seed % 2 === 0 ? 40 : bytes.length)] = random.integer(256);
      }
      const reader = new FrameReader();
      try {
        for (const frame of reader.push(bytes)) {
          if (frame.type === 'json') expect(['message', 'bad', 'malformed']).toContain(parseMessage(frame.value).kind);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedFrame);
      }
    }
  });

  it('HOLD4: a frame beyond the largest is refused by its length, before it is there', () => {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(maximumFrameBytes + 1);
    expect(() => [...new FrameReader().push(header)]).toThrow(MalformedFrame);
    expect(encodeJson('x'.repeat(maximumFrameBytes))).toBeNull();
    expect(encodeWrite(1, 'a', null, Buffer.alloc(maximumFrameBytes))).toBeNull();
  });
});

describe('messages', () => {
  const spec = { kind: 'pty', file: 'sh', args: [], cwd: '/', env: { A: '1' }, cols: 80, rows: 24 };
  const spawn = { type: 'spawn', call: 1, id: 's.1', spec, meta: {} };

  it('WIRE1: a sensible request is taken', () => {
    expect(parseMessage(spawn)).toEqual({ kind: 'message', message: spawn });
  });

  const bad: [string, object][] = [
    ['an id that climbs out of its directory', { id: '../x' }],
    ['an id of nothing', { id: '' }],
    ['a file with a NUL', { spec: { ...spec, file: 'a\0b' } }],
    ['arguments that are no strings', { spec: { ...spec, args: [1] } }],
    ['a variable named with =', { spec: { ...spec, env: { 'A=B': 'x' } } }],
    ['no columns', { spec: { ...spec, cols: 0 } }],
    ['too many rows', { spec: { ...spec, rows: 70_000 } }],
    ['an unknown kind', { spec: { ...spec, kind: 'tty' } }],
    ['notes that are no object', { meta: [] }],
    ['notes beyond 64 KiB', { meta: { note: 'x'.repeat(70_000) } }],
    ['an unknown type', { type: 'dance' }],
    ['a signal beyond those we send', { type: 'signal', signal: 'SIGSTOP' }],
    ['a negative offset', { type: 'release', stream: 'out', offset: -1 }],
  ];
  it.each(bad)('WIRE1: %s is a bad request', (_, change) => {
    expect(parseMessage({ ...spawn, ...change })).toMatchObject({ kind: 'bad', call: 1 });
  });

  it('HOLD4: what has no call number to answer is malformed', () => {
    for (const value of [
      null,
      3,
      'x',
      [],
      {},
      { type: 'spawn' },
      { type: 'read', reader: 1 },
      { type: 'list', call: -1 },
    ]) {
      expect(parseMessage(value).kind).toBe('malformed');
    }
  });
});
