import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, type Page, chromium } from 'playwright-core';
import { rolldown } from 'rolldown';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { chromiumPath } from '@holdfast/testkit/programs.ts';
import { type OutboxUser, outboxContract } from '../outbox-contract.ts';
import { ScriptedServer, type World, logOf } from '../scripted-server.ts';

const executable = chromiumPath();
let script: string;
let browser: Browser;
let context: BrowserContext;
let world: World;
let server: ScriptedServer;

async function tab(): Promise<Page> {
  const page = await context.newPage();
  await page.goto(server.url);
  return page;
}
const send = (page: Page, ...texts: string[]): Promise<void> =>
  page.evaluate((all) => {
    for (const text of all) window.holdfast.send('s', { type: 'message.send', text });
  }, texts);
const statuses = (page: Page): Promise<string[]> =>
  page.evaluate(() => window.holdfast.outbox.get().map((entry) => entry.state.status));
const connect = (page: Page): Promise<void> => page.evaluate(() => window.holdfast.connect());
const saved = (page: Page, count: number): Promise<true> =>
  eventually('saved', async () => (await statuses(page)).join() === Array(count).fill('saved').join());
const landed = (): string[] =>
  logOf(world, 's').effects.map((command) => (command.type === 'message.send' ? command.text : command.type));

/** A tab with a storage of its own. */
async function outboxUser(): Promise<OutboxUser> {
  const page = await tab();
  await page.evaluate(() => window.openOutbox());
  return {
    adopted: () => page.evaluate(() => window.adopted),
    put: (command) => page.evaluate((one) => window.outbox.put(one), command),
    remove: (id) => page.evaluate((one) => window.outbox.remove(one), id),
    rescan: () => page.evaluate(() => window.outbox.rescan()),
    leave: () => page.close(),
  };
}

// Three tabs open slowly where the machine has other things to do.
describe.skipIf(executable === null)('outbox on the browser\u2019s disk', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    await using bundle = await rolldown({
      input: fileURLToPath(new URL('./page.ts', import.meta.url)),
      platform: 'browser',
      logLevel: 'silent',
    });
    script = (await bundle.generate({ format: 'iife' })).output[0].code;
    browser = await chromium.launch({
      executablePath: executable ?? '',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
    });
  }, 60_000);
  afterAll(() => browser.close());

  beforeEach(async () => {
    world = { logs: new Map() };
    server = await ScriptedServer.start(world);
    server.http = (request, response) => {
      if (request.url === '/page.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
      else response.writeHead(200, { 'content-type': 'text/html' }).end('<script src="/page.js"></script>');
    };
    context = await browser.newContext();
    logOf(world, 's');
  });
  afterEach(async () => {
    await context.close();
    await server.stop();
  });

  it('LINK7: what a closed tab left behind is sent by another one, once and in order', async () => {
    const first = await tab();
    await send(first, '1', '2', '3');
    await saved(first, 3);
    const second = await tab();
    const third = await tab();
    await send(second, '4');
    await connect(second);
    await connect(third);
    await eventually('the second tab\u2019s own', () => landed().length === 1);
    expect(await statuses(first)).toEqual(['saved', 'saved', 'saved']);
    await first.close();
    await eventually('all landed', () => landed().length === 4);
    expect(landed()).toEqual(['4', '1', '2', '3']);
    await eventually('nothing is left', async () => {
      const left = [...(await statuses(second)), ...(await statuses(third))];
      return left.every((status) => status === 'stored');
    });
    const asked = server.asked.filter(({ name }) => name === 'command').length;
    expect(asked).toBe(4);
  });

  it('LINK7: tabs know of each other before they have anything to leave, whichever was opened first', async () => {
    const older = await tab();
    const page = await tab();
    const newer = await tab();
    await connect(page);
    await connect(newer);
    await send(older, '1', '2');
    await saved(older, 2);
    await older.close();
    await eventually('the older one\u2019s', () => landed().length === 2);
    await newer.close();
    const newest = await tab();
    await send(newest, '3');
    await saved(newest, 1);
    await newest.close();
    await eventually('the newer one\u2019s', () => landed().length === 3);
    expect(landed()).toEqual(['1', '2', '3']);
  });

  it('LINK7: a reload in the middle of sending neither loses nor doubles', async () => {
    const page = await tab();
    await connect(page);
    server.faults.loseAck = () => true;
    await send(page, '1', '2');
    await eventually('the first arrived', () => landed().length === 1);
    server.faults.loseAck = () => false;
    await page.reload();
    expect((await statuses(page)).includes('stored')).toBe(false);
    await connect(page);
    await eventually('both landed', () => landed().length === 2);
    expect(landed()).toEqual(['1', '2']);
    await eventually('receipted', async () => (await statuses(page)).join() === 'stored,stored');
    await page.reload();
    await eventually('the disk is empty', async () => (await statuses(page)).length === 0);
  });

  it('LINK6: a failed message is still there after a reload, with its error', async () => {
    server.faults.refuse = () => ({ kind: 'session_ended', message: 'over' });
    const page = await tab();
    await connect(page);
    await send(page, '1');
    await eventually('failed', async () => (await statuses(page)).join() === 'failed');
    await page.reload();
    await eventually('still failed', async () => (await statuses(page)).join() === 'failed');
    const state = await page.evaluate(() => window.holdfast.outbox.get()[0]?.state);
    expect(state).toEqual({ status: 'failed', error: { kind: 'session_ended', message: 'over' } });
  });

  it('LINK7: without a storage the person is told, and the message is sent', async () => {
    const page = await context.newPage();
    await page.addInitScript(() => {
      Object.defineProperty(window, 'indexedDB', {
        value: {
          open: () => {
            throw new DOMException('no storage here', 'SecurityError');
          },
        },
      });
    });
    await page.goto(server.url);
    await connect(page);
    await send(page, '1');
    await eventually('landed', () => landed().length === 1);
    const notices = await page.evaluate(() => window.holdfast.notices.get().map((notice) => notice.kind));
    expect(notices).toEqual(['storage_failed']);
  });

  outboxContract('as any storage', () => Promise.resolve({ user: outboxUser, [Symbol.asyncDispose]: async () => {} }), {
    outlives: true,
  });
});
