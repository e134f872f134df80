/** The page where sockets are blocked on the way: it goes another way by itself, with everything still working. */
import { eventually } from '@holdfast/testkit/eventually.ts';
import { chromiumPath } from '@holdfast/testkit/programs.ts';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { launchChromium, openPage } from '../support/browser.ts';
import { type Installation, install } from '../support/program.ts';
import { expectSoundLog } from '../support/sound-log.ts';

const chromium = chromiumPath();
const screenOf = (page: Page): Promise<string> => page.locator('.xterm-rows').innerText();

const blockWebSocket = (page: Page): Promise<void> =>
  page.context().routeWebSocket(/socket\.io/, (socket) => socket.close());
const blockSockets = async (page: Page): Promise<void> => {
  await blockWebSocket(page);
  await page.context().route('**/socket.io/**', (route) => route.abort());
};

describe.skipIf(chromium === null)(
  'without sockets, in Chromium (skipped without it: apt-get install chromium)',
  () => {
    let holdfast: Installation;
    let browser: Browser;
    let api: Api;
    let workspaceId: string;
    let page: Page;
    let problems: string[];

    beforeAll(async () => {
      holdfast = await install();
      await holdfast.start();
      browser = await launchChromium(chromium ?? '');
      api = await Api.open(holdfast);
      workspaceId = await api.workspace('fallback');
    });
    afterAll(async () => {
      await browser.close();
      await holdfast.dispose();
    });
    beforeEach(async () => {
      ({ page, problems } = await openPage(browser, 'desktop', 'light'));
    });
    afterEach(async () => {
      expect(problems).toEqual([]);
      await page.context().close();
    });

    const login = async (): Promise<void> => {
      await page.goto((await holdfast.run('login-link')).stdout.trim());
      await page.getByTestId('connection').getByText('Connected').waitFor();
    };
    const transport = async (): Promise<string | null> => {
      await page.getByTestId('connection').getByRole('button').click();
      const shown = await page.getByTestId('transport').getAttribute('data-transport');
      await page.getByRole('button', { name: 'Done' }).click();
      return shown;
    };
    /** From within the page: to load it anew takes seconds, in which it tries the better ways. */
    const visit = (title: string): Promise<void> => page.getByRole('link', { name: title }).first().click();
    const terminal = async (): Promise<string> => {
      const id = await api.create({ kind: 'terminal', workspaceId, title: 'Shell' });
      await visit('Shell');
      await eventually('a prompt', async () => /[$#] *$/m.test(await screenOf(page)));
      await page.getByTestId('terminal').click();
      return id;
    };

    it('LINK10: with WebSocket blocked, long-polling carries a terminal', async () => {
      await blockWebSocket(page);
      await login();
      await terminal();
      await page.keyboard.type('echo polled-$((6*7))\n');
      await eventually('the answer', async () => /^polled-42\s*$/m.test(await screenOf(page)));
      expect(await transport()).toBe('polling');
    });

    it('LINK9, LINK10, STREAM4: with every socket blocked: echo, a flood, an agent with an approval, a killed server; then back', async () => {
      await blockSockets(page);
      await login();
      const terminalId = await terminal();
      expect(await transport()).toBe('sse');
      await page.getByTestId('terminal').click();
      await page.keyboard.type('echo streamed-$((6*7))\n');
      await eventually('the answer', async () => /^streamed-42\s*$/m.test(await screenOf(page)));
      // Far more than the credit of one reader: without credit given back it would stop.
      await page.keyboard.type('seq 1 400000; echo flood-$((1+1))-over\n');
      await eventually('the end of the flood', async () => /^flood-2-over\s*$/m.test(await screenOf(page)), 30_000);

      const agentId = await api.create({
        kind: 'agent',
        workspaceId,
        title: 'Helper',
        agent: { provider: 'claude', prompt: 'run echo by stream > made.txt; cat made.txt' },
      });
      await visit('Helper');
      const card = page.getByTestId('approval-card');
      await card.getByRole('button', { name: 'Allow once' }).click({ timeout: 30_000 });
      await page.getByTestId('transcript').getByText('Result: by stream').waitFor({ timeout: 20_000 });
      await card.getByText(/Allowed/).waitFor();

      await holdfast.kill();
      await page.getByTestId('connection').getByText('Reconnecting').waitFor();
      await holdfast.start();
      await page.getByTestId('connection').getByText('Connected').waitFor({ timeout: 30_000 });
      expect(await transport()).toBe('sse');

      await page.context().unrouteAll();
      await page.reload();
      await page.getByTestId('connection').getByText('Connected').waitFor();
      // routeWebSocket stays for the life of the page's context; what was aborted by route is open again.
      expect(await transport()).toBe('polling');
      for (const id of [terminalId, agentId]) expectSoundLog(await api.log(id));
    });
  },
);
