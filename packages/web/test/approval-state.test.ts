import { describe, expect, it } from 'vitest';
import type { OutboxEntry } from '@holdfast/core/client/outbox.ts';
import { approvalState } from '#lib/approval/approval-state.ts';
import { outboxEntry } from './fixture/outbox-entry.ts';

const mine = (state: OutboxEntry['state']): OutboxEntry =>
  outboxEntry({
    command: { id: 'c1', type: 'approval.answer', approvalId: 'a1', answer: { decision: 'allow' } },
    state,
  });

describe('where an approval stands', () => {
  it('APPR3: an answer of this device is sending, and nothing more, until the log says otherwise', () => {
    for (const status of ['saving', 'saved', 'sending'] as const) {
      expect(approvalState({ status: 'pending' }, mine({ status }), true)).toEqual({
        step: 'sending',
        decision: 'allow',
        kept: false,
      });
    }
    expect(approvalState({ status: 'pending' }, mine({ status: 'stored', seq: 4 }), true).step).toBe('sending');
  });

  it('APPR3: answered is not applied', () => {
    const facts = {
      answer: { decision: 'allow' },
      answeredBy: { kind: 'user', name: 'Ada', device: 'Pixel 9' },
    } as const;
    expect(approvalState({ status: 'answered', ...facts }, undefined, true)).toEqual({
      step: 'answered',
      decision: 'allow',
      by: 'Ada on Pixel 9',
    });
    expect(approvalState({ status: 'applied', ...facts }, undefined, true).step).toBe('applied');
  });

  it('PAGE5: without a connection the answer is said to be kept, not on its way', () => {
    expect(approvalState({ status: 'pending' }, mine({ status: 'saved' }), false)).toMatchObject({
      step: 'sending',
      kept: true,
    });
  });

  it('APPR2: who came too late is told so and cannot try again', () => {
    const late = mine({ status: 'failed', error: { kind: 'already_answered', message: 'Ada was first.' } });
    expect(approvalState({ status: 'pending' }, late, true)).toMatchObject({ step: 'refused', mayRetry: false });
    const timeout = mine({ status: 'unsure', error: { kind: 'timeout', message: 'no answer' } });
    expect(approvalState({ status: 'pending' }, timeout, true)).toMatchObject({ step: 'refused', mayRetry: true });
  });

  it('APPR1: what the log says wins over an answer that is still in the outbox', () => {
    expect(approvalState({ status: 'expired' }, mine({ status: 'sending' }), true)).toEqual({ step: 'expired' });
  });
});
