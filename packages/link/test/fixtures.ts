import { seededRandom } from '@holdfast/testkit/random.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import { createClient } from '../src/client.ts';
import type { ClientOptions, Clock, HoldfastClient, SessionSink } from '../src/client-interface.ts';
import { memoryOutbox } from '../src/memory-outbox.ts';
import { systemClock } from '../src/system-clock.ts';

/** A tenth of the real pauses' length at most: random numbers near zero make full jitter short. */
export function testClient(url: string, options: Partial<ClientOptions> = {}): HoldfastClient {
  const random = seededRandom(7);
  let ids = 0;
  const name = Math.floor(random.next() * 1e9).toString(36);
  return createClient({
    url,
    storage: memoryOutbox(),
    firstFailure: 'retry',
    clock: systemClock,
    random: () => random.next() / 10,
    makeId: () => `${name}-${(ids += 1)}`,
    ...options,
  });
}

/** A clock that runs `times` as fast as the real one. */
export function fastClock(times: number): Clock {
  const begun = performance.now();
  return {
    now: () => begun + (performance.now() - begun) * times,
    time: () => '2026-01-01T00:00:00.000Z',
    after: (ms, call) => {
      const timer = setTimeout(call, ms / times);
      return () => clearTimeout(timer);
    },
  };
}

export interface Recorder extends SessionSink {
  readonly seqs: number[];
  readonly received: Fact[];
  readonly calls: string[];
  text: string;
  parsedTo: number;
}

export function recorder(): Recorder {
  const decoder = new TextDecoder();
  const record: Recorder = {
    seqs: [],
    received: [],
    calls: [],
    text: '',
    parsedTo: 0,
    facts: (facts) => {
      record.seqs.push(...facts.map((fact) => fact.seq));
      record.received.push(...facts);
    },
    synced: (seq) => record.calls.push(`synced ${seq}`),
    reset: ({ from, lastSeq, facts }) => {
      record.calls.push(`reset ${from} to ${lastSeq}`);
      record.facts(facts);
    },
    refused: (error) => record.calls.push(`refused ${error.kind}`),
    presence: ({ people, more }) => record.calls.push(`presence ${people.map(({ device }) => device).join()}+${more}`),
    preview: (preview) => record.calls.push(`preview ${preview.blockId}@${preview.offset}`),
    screen: (screen) => {
      record.text = screen.ansi;
      record.parsedTo = screen.offset;
      record.calls.push(`screen ${screen.offset}`);
    },
    tty: (offset, data) => {
      if (data.constructor !== Uint8Array) record.calls.push('not a plain Uint8Array');
      record.text += decoder.decode(data, { stream: true });
      record.parsedTo = offset + data.byteLength;
    },
  };
  return record;
}

export const renamed = (title: string): { type: 'session.renamed'; data: { title: string } } => ({
  type: 'session.renamed',
  data: { title },
});

export const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
