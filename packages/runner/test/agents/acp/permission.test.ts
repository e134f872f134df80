import { idSchema } from '@holdfast/protocol/id.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FormField, formReply, questionsOf } from '../../../src/agents/acp/form.ts';
import { approvalIdOf, permissionReply, toolCallIdOf, verdictOf } from '../../../src/agents/acp/permission.ts';

describe('who decides', () => {
  const reading = ['read', 'search', 'think'];
  const elevated = ['fetch', 'edit', 'delete', 'move', 'execute', 'switch_mode', 'other', 'unheard-of'];
  const table = [
    ...reading.map((kind) => ({ kind, ask: 'ask', agent: 'ask', auto: 'allow' })),
    ...elevated.map((kind) => ({ kind, ask: 'deny', agent: 'ask', auto: 'allow' })),
  ];

  it.each(table)(
    'APPR5: a call of kind $kind: $ask in Ask, $agent in Agent, $auto in Auto',
    ({ kind, ask, agent, auto }) => {
      expect(verdictOf('ask', kind, 'tool', [])).toBe(ask);
      expect(verdictOf('agent', kind, 'tool', [])).toBe(agent);
      expect(verdictOf('auto', kind, 'tool', [])).toBe(auto);
      expect(verdictOf('agent', kind, 'tool', ['tool'])).toBe('allow');
      expect(verdictOf('agent', kind, 'tool', ['other-tool'])).toBe('ask');
      expect(verdictOf('ask', kind, 'tool', ['tool'])).toBe(ask === 'deny' ? 'deny' : 'allow');
    },
  );

  it('APPR1: approval ids are valid, follow from the turn and its call alone, and differ between calls and between turns', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.string({ minLength: 1 }),
        fc.integer({ min: 1, max: 99 }),
        (a, b, ordinal) => {
          expect(idSchema.safeParse(approvalIdOf('t1', a, ordinal)).success).toBe(true);
          expect(approvalIdOf('t1', a, ordinal)).toBe(approvalIdOf('t1', a, ordinal));
          if (a !== b) expect(approvalIdOf('t1', a, ordinal)).not.toBe(approvalIdOf('t1', b, ordinal));
          expect(approvalIdOf('t1', a, ordinal)).not.toBe(approvalIdOf('t1', a, ordinal + 1));
          expect(approvalIdOf('t1', a, ordinal)).not.toBe(approvalIdOf('t2', a, ordinal));
        },
      ),
    );
    expect(approvalIdOf('t1', 'toolu_01AB', 1)).toMatch(/^a_toolu_01AB_[0-9a-f]{12}$/);
    expect(toolCallIdOf('x'.repeat(1_000)).length).toBeLessThanOrEqual(200);
    expect(toolCallIdOf('x'.repeat(1_000))).not.toBe(toolCallIdOf('x'.repeat(1_001)));
  });

  it('APPR3: without a way to deny, or to allow, the agent is told that the call is cancelled', () => {
    const cancelled = { outcome: { outcome: 'cancelled' } };
    expect(permissionReply({ decision: 'deny' }, [], {}).response).toEqual(cancelled);
    expect(permissionReply({ decision: 'allow' }, [], {})).toMatchObject({ decision: 'deny', response: cancelled });
    const allow = [{ optionId: 'a', kind: 'allow_once' }];
    expect(permissionReply({ decision: 'deny', message: 'no' }, allow, {})).toMatchObject({
      response: cancelled,
      notice: expect.stringContaining('cannot be told') as unknown,
    });
  });
});

describe('forms', () => {
  const form = {
    mode: 'form' as const,
    message: 'About you',
    requestedSchema: {
      properties: {
        name: { type: 'string' },
        size: { type: 'integer', title: 'Size', description: 'How large?' },
        sure: { type: 'boolean' },
        colours: {
          type: 'array',
          items: {
            anyOf: [
              { const: 'r', title: 'Red, dark' },
              { const: 'g', title: 'Green' },
            ],
          },
        },
        one: { type: 'string', enum: ['x', 'y'] },
      },
      required: ['name'],
    },
  };

  it('APPR1: become questions, and answers become what the form asked for', () => {
    const asked = questionsOf(form);
    expect(asked?.questions.map(({ question, multiSelect }) => [question, multiSelect])).toEqual([
      ['name', false],
      ['How large?', false],
      ['sure', false],
      ['colours', true],
      ['one', false],
    ]);
    const answers = { name: 'Ada', 'How large?': '3', sure: 'Yes', colours: 'Green, Red, dark, Blue', one: 'y' };
    expect(formReply(asked?.fields ?? [], answers)).toEqual({
      action: 'accept',
      content: { name: 'Ada', size: 3, sure: true, colours: ['g', 'r'], one: 'y' },
    });
  });

  it('WIRE1: a required field without a usable answer cancels the form; a form we cannot show is none', () => {
    const field = (type: FormField['type']): FormField => ({
      key: 'k',
      question: 'q',
      type,
      required: true,
      choices: [],
    });
    for (const type of ['integer', 'number', 'boolean'] as const) {
      expect(formReply([field(type)], { q: 'many' })).toEqual({ action: 'cancel' });
    }
    expect(formReply([field('integer')], { q: '1.5' })).toEqual({ action: 'cancel' });
    expect(formReply([field('number')], { q: '1.5' })).toEqual({ action: 'accept', content: { k: 1.5 } });
    expect(formReply([{ ...field('number'), required: false }], {})).toEqual({ action: 'accept', content: {} });
    const odd = { ...form, requestedSchema: { properties: { deep: { type: 'object' } }, required: [] } };
    expect(questionsOf(odd)).toBeNull();
  });
});
