/** kill -TERM of the server. */
import { eventually } from '@holdfast/testkit/eventually.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { type Installation, install } from '../support/program.ts';

let holdfast: Installation;
let api: Api;

beforeAll(async () => {
  holdfast = await install();
  await holdfast.start();
  api = await Api.open(holdfast);
});
afterAll(() => holdfast.dispose());

it('LINK15: a second signal ends it at once', async () => {
  const aborter = new AbortController();
  const headers = { authorization: `Bearer ${api.key}` };
  // One that does not go.
  const stream = await fetch(`${holdfast.origin}/api/sessions/changes`, { headers, signal: aborter.signal });
  expect(stream.status).toBe(200);
  const first = holdfast.terminate();
  await eventually('it drains', async () => (await fetch(`${holdfast.origin}/readyz`)).status === 503);
  expect(await Promise.all([first, holdfast.terminate()])).toEqual(['SIGTERM', 'SIGTERM']);
  aborter.abort();
  await holdfast.start();
});
