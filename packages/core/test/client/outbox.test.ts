import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type KeptCommand,
  type OutboxEffect,
  type OutboxEvent,
  type OutboxState,
  emptyOutbox,
  isFull,
  nextDue,
  outboxLimits,
  stepOutbox,
} from '@holdfast/core/client/outbox.ts';
import type { Command, Receipt } from '@holdfast/protocol/command.ts';
import { type ErrorKind, type Result, errorStatus, fail, ok } from '@holdfast/protocol/error.ts';

const message = (id: string, text = id): Command => ({ id, type: 'message.send', text });
const resize = (id: string, cols: number): Command => ({ id, type: 'terminal.resize', cols, rows: 24 });
const add = (command: Command, sessionId = 's'): OutboxEvent => ({
  type: 'add',
  id: command.id,
  sessionId,
  command,
  createdAt: '2026-01-01T00:00:00.000Z',
});
const receipt = (commandId: string, seq = 1): Result<Receipt> => ok({ commandId, status: 'stored', seq });
const answered = (id: string, send: number, result: Result<Receipt>): OutboxEvent => ({
  type: 'answered',
  id,
  send,
  result,
});

class Run {
  state: OutboxState = emptyOutbox;
  effects: OutboxEffect[] = [];
  at = 0;

  /** Keeps what is to be kept at once, unless told otherwise. */
  step(event: OutboxEvent, keeps = true): readonly OutboxEffect[] {
    const step = stepOutbox(this.state, event, { at: this.at, random: 0.5 });
    this.state = step.state;
    this.effects.push(...step.effects);
    if (!keeps) return step.effects;
    const followed = step.effects.flatMap((effect) =>
      effect.type === 'keep' ? this.step({ type: 'kept', id: effect.command.id }) : [],
    );
    return [...step.effects, ...followed];
  }

  status(id: string): string | undefined {
    return this.state.entries.find((entry) => entry.id === id)?.state.status;
  }

  /** To the next time it wants to be told, and tells it. */
  tick(): readonly OutboxEffect[] {
    const due = nextDue(this.state);
    if (due === null) throw new Error('waits for nothing');
    this.at = Math.max(this.at, due);
    return this.step({ type: 'tick' });
  }
}

const sentIds = (effects: readonly OutboxEffect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'send' ? [effect.command.id] : []));

describe('outbox', () => {
  it('LINK6: saving, saved, sending, stored: each only when it is true', () => {
    const run = new Run();
    run.step({ type: 'online' });
    expect(run.step(add(message('m')), false)).toMatchObject([{ type: 'keep', command: { id: 'm' } }]);
    expect(run.status('m')).toBe('saving');
    run.step({ type: 'offline' });
    run.step({ type: 'kept', id: 'm' });
    expect(run.status('m')).toBe('saved');
    expect(sentIds(run.step({ type: 'online' }))).toEqual(['m']);
    expect(run.status('m')).toBe('sending');
    expect(run.step(answered('m', 1, receipt('m', 7)))).toEqual([{ type: 'forget', id: 'm' }]);
    expect(run.status('m')).toBe('stored');
    run.step({ type: 'seen', sessionId: 's', seq: 6 });
    expect(run.status('m')).toBe('stored');
    run.step({ type: 'seen', sessionId: 's', seq: 7 });
    expect(run.status('m')).toBeUndefined();
  });

  it('LINK6: one at a time and in order per session, sessions beside each other', () => {
    const run = new Run();
    run.step({ type: 'online' });
    for (const id of ['a1', 'a2']) run.step(add(message(id), 'a'));
    run.step(add(message('b1'), 'b'));
    expect(sentIds(run.effects)).toEqual(['a1', 'b1']);
    run.step(answered('a1', 1, receipt('a1')));
    expect(sentIds(run.effects)).toEqual(['a1', 'b1', 'a2']);
  });

  it('LINK6: a message whose storing takes long is not overtaken', () => {
    const run = new Run();
    run.step({ type: 'online' });
    run.step(add(message('1')), false);
    run.step(add(message('2')), false);
    expect(sentIds(run.step({ type: 'kept', id: '2' }))).toEqual([]);
    expect(sentIds(run.step({ type: 'kept', id: '1' }))).toEqual(['1']);
  });

  const repeated: readonly ErrorKind[] = ['rate_limited', 'internal', 'runner_offline', 'unavailable', 'timeout'];
  it.each(Object.keys(errorStatus) as ErrorKind[])('LINK6: %s leads to exactly one visible state', (kind) => {
    const run = new Run();
    run.step({ type: 'online' });
    run.step(add(message('m')));
    run.step(answered('m', 1, fail(kind, 'no')));
    if (!repeated.includes(kind)) {
      expect(run.state.entries[0]?.state).toEqual({ status: 'failed', error: { kind, message: 'no' } });
      expect(nextDue(run.state)).toBeNull();
      return;
    }
    expect(run.status('m')).toBe('saved');
    for (let send = 2; send <= outboxLimits.attempts; send += 1) {
      expect(sentIds(run.tick())).toEqual(['m']);
      run.step(answered('m', send, fail(kind, 'no')));
    }
    const unsure = kind === 'internal' || kind === 'unavailable' || kind === 'timeout';
    expect(run.status('m')).toBe(unsure ? 'unsure' : 'failed');
  });

  it('LINK6: a refusal is told, and the next command sent, only once the device has kept it', () => {
    const run = new Run();
    run.step({ type: 'online' });
    run.step(add({ id: 'stop', type: 'turn.stop' }));
    run.step(add(message('m')));
    run.step(answered('stop', 1, fail('conflict', 'nothing runs')), false);
    expect(run.effects.at(-1)).toMatchObject({ type: 'keep', command: { id: 'stop', state: { status: 'failed' } } });
    expect(run.status('stop')).toBe('sending');
    expect(nextDue(run.state)).toBeNull();
    run.step({ type: 'offline' });
    run.step({ type: 'online' });
    expect(sentIds(run.effects)).toEqual(['stop']);
    expect(sentIds(run.step({ type: 'kept', id: 'stop' }))).toEqual(['m']);
    expect(run.status('stop')).toBe('failed');
  });

  it('LINK6: without an answer it is sent again under the same id, and at last given back as unsure', () => {
    const run = new Run();
    run.step({ type: 'online' });
    run.step(add(message('m')));
    while (run.status('m') !== 'unsure') run.tick();
    expect(sentIds(run.effects)).toEqual(Array.from({ length: outboxLimits.attempts }, () => 'm'));
    // Late, but a receipt is a receipt.
    run.step(answered('m', 1, receipt('m')));
    expect(run.status('m')).toBe('stored');
  });

  it('LINK6: waits as long as the server says', () => {
    const run = new Run();
    run.step({ type: 'online' });
    run.step(add(message('m')));
    run.step(answered('m', 1, fail('rate_limited', 'slow', { retryAfterMs: 5_000 })));
    expect(nextDue(run.state)).toBe(5_000);
    run.at = 4_999;
    expect(run.step({ type: 'tick' })).toEqual([]);
    run.at = 5_000;
    expect(sentIds(run.step({ type: 'tick' }))).toEqual(['m']);
  });

  it('LIMIT6: while it waits it is known for which refusal, and no longer than that', () => {
    const run = new Run();
    const tooFast = fail('rate_limited', 'slow', { retryAfterMs: 5_000 });
    const [delayedBy, due] = [() => run.state.entries[0]?.delayedBy, () => run.state.entries[0]?.due];
    run.step({ type: 'online' });
    run.step(add(message('m')));
    expect(delayedBy()).toBeNull();
    run.step(answered('m', 1, tooFast));
    expect([delayedBy(), due()]).toEqual([tooFast.error, 5_000]);
    run.tick();
    expect([run.status('m'), delayedBy()]).toEqual(['sending', null]);
  });

  it('LINK6: being offline is not an attempt, however often', () => {
    const run = new Run();
    run.step(add(message('m')));
    for (let round = 0; round < 50; round += 1) {
      run.step({ type: 'online' });
      expect(run.status('m')).toBe('sending');
      run.step({ type: 'offline' });
      expect(run.status('m')).toBe('saved');
    }
    expect(run.state.entries[0]?.attempts).toBe(0);
    expect(nextDue(run.state)).toBeNull();
  });

  it('LINK6: the refusal of an earlier sending is not taken for that of a later one', () => {
    const run = new Run();
    run.step({ type: 'online' });
    run.step(add(message('m')));
    run.step({ type: 'offline' });
    run.step({ type: 'online' });
    run.step(answered('m', 1, fail('session_ended', 'no')));
    expect(run.status('m')).toBe('sending');
  });

  it('LINK6: a failed one blocks nobody, goes again in its place, or is discarded', () => {
    const run = new Run();
    run.step({ type: 'online' });
    run.step(add(message('1')));
    run.step(add(message('2')));
    run.step(answered('1', 1, fail('conflict', 'no')));
    expect(run.status('2')).toBe('sending');
    expect(run.effects.at(-2)).toMatchObject({ type: 'keep', command: { id: '1', state: { status: 'failed' } } });
    run.step({ type: 'retry', id: '1' });
    expect(run.status('1')).toBe('saved');
    run.step(answered('2', 1, receipt('2')));
    expect(run.status('1')).toBe('sending');
    run.step({ type: 'discard', id: '1' });
    expect(run.status('1')).toBe('sending');
    run.step(answered('1', 2, fail('conflict', 'no')));
    expect(run.step({ type: 'discard', id: '1' })).toEqual([{ type: 'forget', id: '1' }]);
    expect(run.status('1')).toBeUndefined();
  });

  it('LINK6: is bounded; what has been receipted does not count and does not pile up', () => {
    const run = new Run();
    for (let number = 0; number < outboxLimits.entries; number += 1) run.step(add(message(`m${number}`)));
    expect(isFull(run.state)).toBe(true);
    run.step({ type: 'online' });
    for (let number = 0; number < 3 * outboxLimits.stored; number += 1) {
      const id = `m${number}`;
      if (number >= outboxLimits.entries) run.step(add(message(id)));
      run.step(answered(id, 1, receipt(id)));
    }
    expect(isFull(run.state)).toBe(false);
    expect(run.state.entries).toHaveLength(outboxLimits.stored);
  });

  it('LINK6: a size that was never sent gives way to the next one, and no size outlives the client', () => {
    const run = new Run();
    run.step(add(resize('r1', 80)));
    run.step(add(resize('r2', 81)));
    run.step(add(resize('x', 90), 'other'));
    run.step(add(resize('r3', 82)));
    expect(run.state.entries.map((entry) => entry.id)).toEqual(['r2', 'x', 'r3']);
    expect(run.effects).toEqual([]);
  });

  it('LINK7: what others left behind goes first, in its order, once', () => {
    const left = (id: string, order: number, createdAt: string, status: 'saved' | 'failed' = 'saved'): KeptCommand => ({
      id,
      sessionId: 's',
      command: message(id),
      createdAt,
      order,
      state: status === 'saved' ? { status } : { status, error: { kind: 'conflict', message: 'no' } },
    });
    const run = new Run();
    run.step(add(message('own')));
    const commands = [
      left('b', 2, '2026-01-01T00:00:01.000Z'),
      left('a', 1, '2026-01-01T00:00:01.000Z'),
      left('z', 9, '2026-01-01T00:00:00.000Z', 'failed'),
    ];
    run.step({ type: 'adopt', commands });
    run.step({ type: 'adopt', commands });
    expect(run.state.entries.map((entry) => entry.id)).toEqual(['z', 'a', 'b', 'own']);
    run.step({ type: 'online' });
    for (const id of ['a', 'b']) run.step(answered(id, 1, receipt(id)));
    expect(run.status('own')).toBe('sending');
    run.step({ type: 'adopt', commands: [left('late', 3, '2026-01-01T00:00:02.000Z')] });
    expect(sentIds(run.effects)).toEqual(['a', 'b', 'own']);
    run.step(answered('own', 1, receipt('own')));
    expect(sentIds(run.effects)).toEqual(['a', 'b', 'own', 'late']);
    expect(run.status('z')).toBe('failed');
  });

  it('LINK6: over a network that loses, delays and cuts, every effect happens once and in order', () => {
    type Move = 'add' | 'add other' | 'arrive' | 'answer' | 'lose answer' | 'cut' | 'join' | 'tick' | 'refuse';
    const moves = fc.array(
      fc.constantFrom<Move>('add', 'add other', 'arrive', 'answer', 'lose answer', 'cut', 'join', 'tick', 'refuse'),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(moves, (history) => {
        const run = new Run();
        const made: Record<string, string[]> = { a: [], b: [] };
        const effects: Record<string, string[]> = { a: [], b: [] };
        const stored = new Set<string>();
        let network: Extract<OutboxEffect, { type: 'send' }>[] = [];
        let answers: { id: string; send: number; result: Result<Receipt> }[] = [];
        const take = (list: readonly OutboxEffect[]): void => {
          network.push(...list.filter((effect) => effect.type === 'send'));
        };
        const arrive = (): void => {
          const sent = network.shift();
          if (sent === undefined) return;
          const { id } = sent.command;
          if (!stored.has(id)) effects[sent.sessionId]?.push(id);
          stored.add(id);
          answers.push({ id, send: sent.send, result: receipt(id) });
        };
        const answer = (): void => {
          const next = answers.shift();
          if (next !== undefined) take(run.step({ type: 'answered', ...next }));
        };
        let count = 0;
        const play = (move: Move): void => {
          run.at += 1_000;
          if (move === 'add' || move === 'add other') {
            const sessionId = move === 'add' ? 'a' : 'b';
            if (isFull(run.state)) return;
            const id = `m${(count += 1)}`;
            made[sessionId]?.push(id);
            take(run.step(add(message(id), sessionId)));
          } else if (move === 'arrive') arrive();
          else if (move === 'answer') answer();
          else if (move === 'lose answer') answers.shift();
          else if (move === 'refuse') {
            const sent = network.shift();
            if (sent !== undefined) {
              answers.push({ id: sent.command.id, send: sent.send, result: fail('unavailable', 'busy') });
            }
          } else if (move === 'cut') {
            // What is on the wire of a lost connection may still arrive; its answers cannot.
            answers = [];
            take(run.step({ type: 'offline' }));
          } else if (move === 'join') {
            take(run.step({ type: 'online' }));
          } else take(run.step({ type: 'tick' }));
        };
        for (const move of history) {
          play(move);
          for (const sessionId of ['a', 'b']) {
            const busy = run.state.entries.filter(
              (entry) => entry.sessionId === sessionId && entry.state.status === 'sending',
            );
            expect(busy.length).toBeLessThanOrEqual(1);
          }
        }
        // A good network at last: everything that was not given back gets there.
        play('join');
        for (let round = 0; round < 2_000 && network.length + answers.length > 0; round += 1) {
          arrive();
          answer();
          if (network.length === 0 && answers.length === 0 && nextDue(run.state) !== null) take(run.tick());
        }
        while (run.state.entries.some((entry) => entry.state.status === 'saved' || entry.state.status === 'sending')) {
          take(run.tick());
          while (network.length > 0 || answers.length > 0) {
            arrive();
            answer();
          }
        }
        network = [];
        const unsure = new Set(run.state.entries.filter(({ state }) => state.status === 'unsure').map(({ id }) => id));
        for (const sessionId of ['a', 'b']) {
          const landed = effects[sessionId] ?? [];
          expect(new Set(landed).size).toBe(landed.length);
          expect(landed.filter((id) => !unsure.has(id))).toEqual(made[sessionId]?.filter((id) => !unsure.has(id)));
        }
      }),
      { numRuns: 400 },
    );
  });
});
