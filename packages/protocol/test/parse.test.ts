import fc from 'fast-check';
import { expect, it } from 'vitest';
import { commandSchema } from '../src/command.ts';
import { errorBodySchema, errorStatus } from '../src/error.ts';
import { factDraftSchema } from '../src/fact.ts';
import { limits } from '../src/limits.ts';
import { createSessionSchema } from '../src/rest.ts';
import { toRunnerSchema, toServerSchema } from '../src/runner.ts';
import { socketRequestSchemas } from '../src/socket.ts';

const doors = [
  commandSchema,
  factDraftSchema,
  createSessionSchema,
  toRunnerSchema,
  toServerSchema,
  ...Object.values(socketRequestSchemas),
];

it('WIRE1: no value makes a schema throw', () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true }), (value) => {
      for (const door of doors) expect(typeof door.safeParse(value).success).toBe('boolean');
    }),
    { seed: 4, numRuns: 500 },
  );
});

it('WIRE1: unknown kinds, unknown command types and bodies that lack something are refused', () => {
  expect(createSessionSchema.safeParse({ kind: 'spaceship', workspaceId: 'w' }).success).toBe(false);
  expect(createSessionSchema.safeParse({ kind: 'agent' }).success).toBe(false);
  expect(commandSchema.safeParse({ id: 'a', type: 'rm' }).success).toBe(false);
  expect(commandSchema.safeParse({ id: '', type: 'turn.stop' }).success).toBe(false);
  expect(commandSchema.safeParse({ id: 'a', type: 'message.send', text: ' \n ' }).success).toBe(false);
  expect(commandSchema.safeParse({ id: 'a', type: 'terminal.resize', cols: 0, rows: 24 }).success).toBe(false);
});

it('PRESENCE4: a client’s id is letters, digits, _ and -, and at most 64 of them', () => {
  const hello = (clientId: unknown) => socketRequestSchemas.hello.safeParse({ protocolVersion: 1, clientId }).success;
  expect([hello('a_B-9'), hello('x'.repeat(64)), hello(undefined)]).toEqual([true, true, true]);
  for (const wrong of ['', 'x'.repeat(65), 'a b', 'a/b', 'é', 7, null, {}]) expect(hello(wrong)).toBe(false);
});

it('WIRE6: a message is bounded in bytes, not in characters', () => {
  const send = (text: string) => commandSchema.safeParse({ id: 'a', type: 'message.send', text }).success;
  expect(send('x'.repeat(limits.messageText))).toBe(true);
  expect(send('x'.repeat(limits.messageText + 1))).toBe(false);
  expect(send('漢'.repeat(limits.messageText / 2))).toBe(false);
});

it('WIRE3: every kind of error has one HTTP status of 400 or more', () => {
  for (const [kind, status] of Object.entries(errorStatus)) {
    expect(errorBodySchema.safeParse({ kind, message: 'm' }).success).toBe(true);
    expect(status).toBeGreaterThanOrEqual(400);
  }
  expect(errorBodySchema.safeParse({ kind: 'else', message: 'm' }).success).toBe(false);
});

it('UPLOAD9: a message may be files alone, each once and no more than may go with one', () => {
  const file = (uploadId: string) => ({ uploadId, name: 'a.png', mediaType: 'image/png', size: 3 });
  const send = (attachments: unknown, text = '') =>
    commandSchema.safeParse({ id: 'a', type: 'message.send', text, attachments }).success;
  expect(send([file('u1')])).toBe(true);
  expect(send([])).toBe(false);
  expect(send([], 'words')).toBe(true);
  expect(send([file('u1'), file('u1')], 'words')).toBe(false);
  const many = Array.from({ length: limits.attachments + 1 }, (_, index) => file(`u${index}`));
  expect(send(many.slice(1), 'words')).toBe(true);
  expect(send(many, 'words')).toBe(false);
  for (const mediaType of ['image', 'IMAGE/PNG', 'image/png; charset=x', 'text/html\r\nx: y']) {
    expect(send([{ ...file('u1'), mediaType }])).toBe(false);
  }
});
