import { expect, it } from 'vitest';
import { Recorder } from '@holdfast/runner/recordings/recorder.ts';
import type { RecordingFile, RecordingNotes } from '@holdfast/runner/recordings/recording-disk.ts';

const fresh: RecordingNotes = {
  ...{ ownerId: 'u', title: 't', startedAt: 0, cols: 80, rows: 24, end: null, bytes: 0, durationMs: 0, offset: 10 },
  rest: '',
  size: { cols: 80, rows: 24 },
};

/** A disk that can be cut off at a moment, and one that fails. */
class Disk implements RecordingFile {
  text = '';
  notes = fresh;
  fails = false;
  closed = 0;

  async append(text: string): Promise<void> {
    if (this.fails) throw new Error('no space');
    this.text += text;
  }

  async save(notes: RecordingNotes): Promise<void> {
    this.notes = notes;
  }

  async close(): Promise<void> {
    this.closed += 1;
  }

  /** As another writer goes on from it. */
  cut(): void {
    this.text = Buffer.from(this.text).subarray(0, this.notes.bytes).toString();
  }

  get events(): [number, string, string][] {
    const lines = this.text.split('\n').filter((line) => line !== '');
    return lines.filter((line) => line.startsWith('[')).map((line) => JSON.parse(line) as [number, string, string]);
  }

  get output(): string {
    return this.events.map(([, code, data]) => (code === 'o' ? data : '')).join('');
  }
}

function recorder(
  disk: Disk,
  options: { limit?: number; resizes?: { offset: number; cols: number; rows: number }[] } = {},
) {
  const ends: RecordingNotes[] = [];
  const { limit = 1_000_000, resizes = [] } = options;
  const made = new Recorder(
    {
      file: disk,
      notes: disk.notes,
      limit,
      now: () => 1_000,
      onSaved: () => undefined,
      onEnded: (notes) => ends.push(notes),
    },
    resizes,
  );
  return { made, ends };
}

it('REC1: who goes on from the notes has neither gap nor double, nor loses half a character or a size', async () => {
  const bytes = Buffer.from('one \u20ac two \u{1f600} three');
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const disk = new Disk();
    const first = recorder(disk).made;
    first.begin('/bin/sh', 'screen');
    void first.append(10, bytes.subarray(0, cut));
    await first.flush();
    // Written, and not noted.
    const noted = disk.notes;
    first.resized(90, 30);
    void first.append(10 + cut, bytes.subarray(cut, cut + 3));
    await first.flush();
    first.abandon();
    disk.notes = noted;
    disk.cut();
    const second = recorder(disk, { resizes: [{ offset: 10 + cut, cols: 90, rows: 30 }] }).made;
    void second.append(10, bytes);
    await second.end('stopped');
    expect(disk.output).toBe(`screen${bytes.toString()}`);
    expect(disk.events.filter(([, code]) => code === 'r').map(([, , size]) => size)).toEqual(['90x30']);
    expect(Buffer.byteLength(disk.text)).toBe(disk.notes.bytes);
  }
});

it('REC1: what cannot be had any more is marked', async () => {
  const disk = new Disk();
  const { made } = recorder(disk);
  void made.append(15, Buffer.from('late'));
  await made.flush();
  expect(disk.events.map(([, code, data]) => [code, data])).toEqual([
    ['m', '5 bytes of output are missing here'],
    ['o', 'late'],
  ]);
});

it('REC4: a full recording ends with a word, within its bytes, once', async () => {
  const disk = new Disk();
  const { made, ends } = recorder(disk, { limit: 2_000 });
  for (let at = 0; at < 10_000; at += 100) void made.append(10 + at, Buffer.from('x'.repeat(100)));
  await made.flush();
  await made.end('stopped');
  expect(disk.text.length).toBeLessThanOrEqual(2_000);
  expect(disk.events.at(-1)).toEqual([1, 'm', 'The recording is full and ends here.']);
  expect(ends.map(({ end, bytes }) => [end, bytes])).toEqual([['full', disk.text.length]]);
  expect(disk.closed).toBe(1);
});

it('REC3: a disk that takes no more ends it as failed, with what is there', async () => {
  const disk = new Disk();
  const { made, ends } = recorder(disk);
  void made.append(10, Buffer.from('kept'));
  await made.flush();
  const { bytes } = disk.notes;
  disk.fails = true;
  void made.append(14, Buffer.from('lost'));
  await made.flush();
  expect(ends).toMatchObject([{ end: 'failed', bytes, error: { kind: 'unavailable' } }]);
  expect(made.append(18, Buffer.from('more'))).toBeUndefined();
  expect(disk.output).toBe('kept');
});
