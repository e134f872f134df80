import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type InputEffect,
  type InputEvent,
  type InputStream,
  fits,
  inputIdOf,
  inputLimits,
  newInputStream,
  nextInputDue,
  stepInput,
} from '@holdfast/core/client/input-stream.ts';
import { fail } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';

const bytes = (text: string): Uint8Array => new Uint8Array([...text].map((character) => character.charCodeAt(0)));
const later = fail('unavailable', 'later').error;

function run(...events: { at?: number; event: InputEvent }[]): { stream: InputStream; effects: InputEffect[] } {
  let stream = newInputStream('in');
  const effects: InputEffect[] = [];
  for (const { at = 0, event } of events) {
    const step = stepInput(stream, event, at);
    stream = step.stream;
    effects.push(...step.effects);
  }
  return { stream, effects };
}
const write = (text: string): { event: InputEvent } => ({ event: { type: 'write', data: bytes(text) } });
const online: { event: InputEvent } = { event: { type: 'online' } };
const offline: { event: InputEvent } = { event: { type: 'offline' } };
const sent = (effects: readonly InputEffect[]): [number, string][] =>
  effects.flatMap((effect) =>
    effect.type === 'send' ? [[effect.offset, String.fromCharCode(...effect.data)] as [number, string]] : [],
  );

describe('input stream', () => {
  it('LINK4: keys go out at once, also while others are on their way', () => {
    expect(sent(run(online, write('l'), write('s')).effects)).toEqual([
      [0, 'l'],
      [1, 's'],
    ]);
  });

  it('LINK4: after a reconnect everything since the acknowledged offset goes again, under the same id', () => {
    const acknowledged = { event: { type: 'acknowledged', inputId: 'in-1', offset: 2 } } as const;
    const { effects, stream } = run(online, write('ab'), write('cd'), acknowledged, offline, write('e'), online);
    expect(sent(effects).at(-1)).toEqual([2, 'cde']);
    expect(inputIdOf(stream)).toBe('in-1');
    expect(stream.kept.byteLength).toBe(3);
  });

  it('LINK4: without an acknowledgement they go again', () => {
    const { effects, stream } = run(online, write('ab'), { at: inputLimits.answerMs, event: { type: 'tick' } });
    expect(sent(effects)).toEqual([
      [0, 'ab'],
      [0, 'ab'],
    ]);
    expect(nextInputDue(stream)).toBe(2 * inputLimits.answerMs);
  });

  it('LINK4: a passing refusal sends again after its pause; the refusals of what followed change nothing', () => {
    const refused = {
      at: 10,
      event: { type: 'refused', inputId: 'in-1', round: 1, error: { ...later, retryAfterMs: 90 } },
    } as const;
    const gap = {
      at: 11,
      event: { type: 'refused', inputId: 'in-1', round: 1, error: fail('conflict', 'gap').error },
    } as const;
    const early = run(online, write('a'), write('b'), refused, gap, { at: 50, event: { type: 'tick' } });
    expect(sent(early.effects)).toHaveLength(2);
    expect(nextInputDue(early.stream)).toBe(100);
    const due = run(online, write('a'), write('b'), refused, gap, { at: 100, event: { type: 'tick' } });
    expect(sent(due.effects).at(-1)).toEqual([0, 'ab']);
  });

  it('LIMIT6: while nothing is sent it is known for which refusal, and no longer than that', () => {
    const { error } = fail('rate_limited', 'slow', { retryAfterMs: 90 });
    const refused = { at: 10, event: { type: 'refused', inputId: 'in-1', round: 1, error } } as const;
    expect(run(online, write('a'), refused).stream).toMatchObject({ delayedBy: error, due: 100 });
    const again = run(online, write('a'), refused, { at: 100, event: { type: 'tick' } });
    expect(again.stream.delayedBy).toBeNull();
  });

  it('LINK4: a late refusal of an earlier sending does not drop what has been sent again since', () => {
    const refused = { type: 'refused', inputId: 'in-1' } as const;
    const { effects, stream } = run(
      online,
      write('a'),
      write('b'),
      { at: 10, event: { ...refused, round: 1, error: { ...later, retryAfterMs: 20 } } },
      { at: 30, event: { type: 'tick' } },
      { at: 40, event: { ...refused, round: 1, error: fail('conflict', 'keys are missing').error } },
    );
    expect(effects.some((effect) => effect.type === 'dropped')).toBe(false);
    expect(stream.kept).toEqual(bytes('ab'));
  });

  it('LINK4: told where the terminal is, goes on from there; nothing is dropped while it is kept', () => {
    const gap = (accepted: number): { event: InputEvent } => {
      const { error } = fail('conflict', 'keys are missing', { details: { accepted } });
      return { event: { type: 'refused', inputId: 'in-1', round: 1, error } };
    };
    const tick = { at: inputLimits.pauseMs, event: { type: 'tick' } } as const;
    expect(sent(run(online, write('abc'), write('d'), gap(1), tick).effects).at(-1)).toEqual([1, 'bcd']);
    expect(run(online, write('abc'), gap(9)).effects).toContainEqual(expect.objectContaining({ type: 'dropped' }));
  });

  it('LINK4: after a final refusal the keys are dropped, said so, and a new stream begins', () => {
    const error = fail('session_ended', 'over').error;
    const { stream, effects } = run(
      online,
      write('abc'),
      { event: { type: 'refused', inputId: 'in-1', round: 1, error } },
      write('d'),
    );
    expect(effects).toContainEqual({ type: 'dropped', bytes: 3, error });
    expect(effects.at(-1)).toEqual({ type: 'send', inputId: 'in-2', round: 2, offset: 0, data: bytes('d') });
    expect(stream.kept.byteLength).toBe(1);
  });

  it('LINK4: keys for one shell are never typed into another', () => {
    const generation = (number: number): { event: InputEvent } => ({
      event: { type: 'generation', generation: number },
    });
    const { effects } = run(generation(1), write('rm'), generation(2), online, write('ls'));
    expect(effects[0]).toMatchObject({ type: 'dropped', bytes: 2 });
    expect(effects.filter((effect) => effect.type === 'send')).toEqual([
      { type: 'send', inputId: 'in-2', round: 2, offset: 0, data: bytes('ls') },
    ]);
    expect(run(write('ls'), generation(1), online).effects).toHaveLength(1);
  });

  it('LINK4: is bounded, in slices the door takes, and a write is taken whole or not at all', () => {
    const big = new Uint8Array(inputLimits.kept);
    const { stream, effects } = run(online, { event: { type: 'write', data: big } });
    expect(fits(stream, bytes('x'))).toBe(false);
    const out = effects.flatMap((effect) => (effect.type === 'send' ? [effect.data.byteLength] : []));
    expect(out.every((length) => length <= limits.terminalInput)).toBe(true);
    expect(out.reduce((sum, length) => sum + length, 0)).toBe(inputLimits.window);
    expect(stepInput(stream, { type: 'write', data: bytes('x') }, 0).stream).toBe(stream);
  });

  it('LINK4: over a network that loses, repeats and cuts, each key is typed once and in order', () => {
    type Move = 'write' | 'arrive' | 'answer' | 'lose answer' | 'cut' | 'join' | 'tick' | 'limit' | 'late';
    const moves = fc.array(
      fc.constantFrom<Move>('write', 'arrive', 'answer', 'lose answer', 'cut', 'join', 'tick', 'limit', 'late'),
      {
        maxLength: 120,
      },
    );
    fc.assert(
      fc.property(moves, (history) => {
        let stream = newInputStream('in');
        let at = 0;
        let written = '';
        let typed = '';
        let network: Extract<InputEffect, { type: 'send' }>[] = [];
        let answers: InputEvent[] = [];
        const step = (event: InputEvent): void => {
          const next = stepInput(stream, event, at);
          stream = next.stream;
          for (const effect of next.effects) {
            if (effect.type === 'send') network.push(effect);
            else throw new Error('nothing is dropped here');
          }
        };
        const arrive = (): void => {
          const next = network.shift();
          if (next === undefined) return;
          if (next.offset > typed.length) {
            const error = fail('conflict', 'missing', { details: { accepted: typed.length } }).error;
            answers.push({ type: 'refused', inputId: next.inputId, round: next.round, error });
            return;
          }
          typed += String.fromCharCode(...next.data.subarray(typed.length - next.offset));
          answers.push({ type: 'acknowledged', inputId: next.inputId, offset: typed.length });
        };
        const answer = (): void => {
          const next = answers.shift();
          if (next !== undefined) step(next);
        };
        for (const move of history) {
          at += 400;
          if (move === 'write') {
            const key = String.fromCharCode(97 + (written.length % 26));
            written += key;
            step({ type: 'write', data: bytes(key) });
          } else if (move === 'arrive') arrive();
          else if (move === 'answer') answer();
          else if (move === 'lose answer') answers.shift();
          else if (move === 'limit') {
            // The door refuses at once, and what follows goes on to the terminal.
            const stopped = network.shift();
            if (stopped !== undefined) {
              answers.unshift({ type: 'refused', inputId: stopped.inputId, round: stopped.round, error: later });
            }
          } else if (move === 'late') answers.push(...answers.splice(0, 1));
          else if (move === 'join') step({ type: 'online' });
          else if (move === 'tick') step({ type: 'tick' });
          else {
            network = network.slice(0, 1);
            answers = [];
            step({ type: 'offline' });
          }
          expect(written.startsWith(typed)).toBe(true);
        }
        step({ type: 'online' });
        for (let round = 0; stream.kept.byteLength > 0 && round < 1_000; round += 1) {
          while (network.length > 0) arrive();
          while (answers.length > 0) answer();
          at = Math.max(at, nextInputDue(stream) ?? at);
          step({ type: 'tick' });
        }
        expect(typed).toBe(written);
      }),
      { numRuns: 400 },
    );
  });
});
