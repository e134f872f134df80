import { expect, it } from 'vitest';
import { type GoingBack, olderState } from '#lib/agent/older-state.ts';

const still: GoingBack = { wentBack: false, loading: false, error: null, connected: true };
const error = { kind: 'unavailable', message: 'no' } as const;

it('PAGE10, PAGE5: before the first thing shown stands what is true of what came before, and only what can be read is offered', () => {
  const words = (from: number, oldestSeq: number, more: Partial<GoingBack> = {}): string => {
    const state = olderState({ from, oldestSeq }, { ...still, ...more });
    return `${state.words}${'action' in state ? ` [${state.action}]` : ''}${state.canLoad ? '' : ' .'}`;
  };
  expect(olderState(null, still).look).toBe('none');
  expect(olderState({ from: 1, oldestSeq: 1 }, still).look).toBe('none');
  expect(words(1, 1, { wentBack: true })).toBe('Beginning of the conversation .');
  expect(words(801, 1)).toBe(' [Show older parts]');
  expect(words(801, 1, { loading: true })).toBe('Loading older parts .');
  expect(words(801, 1, { connected: false })).toBe('Older parts can be read when connected .');
  expect(words(801, 1, { error })).toBe('Older parts could not be loaded [Try again]');
  expect(words(801, 801)).toBe('Older parts were removed .');
  expect(words(801, 900, { wentBack: true, error })).toBe('Older parts were removed .');
});
