import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { chromiumPath, findProgram } from '@holdfast/testkit/programs.ts';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addFacts, openStore } from '../../bench/filling.ts';
import { Api } from '../support/api.ts';
import { launchChromium, openPage } from '../support/browser.ts';
import { type Installation, install } from '../support/program.ts';
import { expectSoundLog } from '../support/sound-log.ts';

const chromium = chromiumPath();
const artifacts = fileURLToPath(new URL('../artifacts/', import.meta.url));

const screenOf = (page: Page): Promise<string> => page.locator('.xterm-rows').innerText();
const composer = (page: Page) => page.getByTestId('composer').getByRole('textbox');
const transcript = (page: Page) => page.getByTestId('transcript');

async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

describe.skipIf(chromium === null)('the page in Chromium (skipped without it: apt-get install chromium)', () => {
  let holdfast: Installation;
  let browser: Browser;
  let link: string;
  let page: Page;
  let agentPage: Page;
  let problems: string[];
  let api: Api;

  beforeAll(async () => {
    mkdirSync(artifacts, { recursive: true });
    holdfast = await install();
    link = await holdfast.start();
    browser = await launchChromium(chromium ?? '');
    api = await Api.open(holdfast);
    ({ page, problems } = await openPage(browser, 'desktop', 'light'));
  });
  afterAll(async () => {
    await browser.close();
    await holdfast.dispose();
  });

  it('AUTH2: the printed link logs in, once', async () => {
    await page.goto(link);
    await page.getByRole('heading', { name: 'Start something that stays' }).waitFor();
    expect(page.url()).not.toContain('token');
    const { page: other, context } = await openPage(browser, 'desktop', 'light');
    await other.goto(link);
    await other.getByText('login-link').waitFor();
    await context.close();
  });

  it('PAGE1: two taps to a terminal; echo, and the size of the page', async () => {
    await page.getByRole('button', { name: /Open a terminal/ }).click();
    await page.getByRole('button', { name: 'Start terminal' }).click();
    await page.getByTestId('terminal').waitFor();
    await eventually('a prompt', async () => /[$#] *$/m.test(await screenOf(page)));
    // A new shell begins at 80 × 24 and takes the page's size as soon as that is known.
    await page.getByText(/^1\d\d × \d\d · you drive$/).waitFor();
    await page.keyboard.type('echo answer-$((6*7)); stty size\n');
    await eventually('the answer', async () => /^answer-42\s*$/m.test(await screenOf(page)));
    await eventually('the real size', async () => {
      const [, rows = '', cols = ''] = /^(\d+) (\d+)\s*$/m.exec(await screenOf(page)) ?? [];
      return Number(cols) > 100 && Number(rows) > 30;
    });
  });

  it.skipIf(findProgram('vim') === null)('TERM3: vim opens, edits and quits (skipped without vim)', async () => {
    await page.keyboard.type('vim -u NONE -N notes.txt\n');
    await eventually('vim', async () => /~\s*\n~[^]*notes\.txt/.test(await screenOf(page)));
    await page.keyboard.type('ihello from vim');
    await eventually('the text', async () => /^hello from vim/m.test(await screenOf(page)));
    await page.reload();
    await eventually('vim again after a reload', async () => /hello from vim[^]*~\s*\n~/.test(await screenOf(page)));
    await page.getByTestId('terminal').click();
    await page.keyboard.press('Escape');
    await page.keyboard.type(':wq\n');
    await eventually('the shell again', async () => /answer-42/.test(await screenOf(page)));
    await page.keyboard.type('cat notes.txt\n');
    await eventually('what was written', async () => /^hello from vim\s*$/m.test(await screenOf(page)));
  });

  it('APPR3, TURN8: an agent works, asks, is allowed, and its card says so only when it went on', async () => {
    agentPage = await page.context().newPage();
    await agentPage.goto(`${holdfast.origin}/`);
    await agentPage.getByRole('button', { name: 'New session', exact: true }).click();
    await agentPage.getByText('Works for you').click();
    await agentPage.getByRole('button', { name: 'Start agent' }).click();
    await composer(agentPage).waitFor();
    await say(agentPage, 'run echo made by the agent > by-agent.txt; cat by-agent.txt');
    const card = agentPage.getByTestId('approval-card');
    await card.getByRole('button', { name: 'Allow once' }).waitFor({ timeout: 30_000 });
    await agentPage.screenshot({ path: `${artifacts}approval-desktop-light.png` });
    await card.getByRole('button', { name: 'Allow once' }).click();
    await transcript(agentPage).getByText('Result: made by the agent').waitFor({ timeout: 20_000 });
    await card.getByText(/Allowed/).waitFor();
    await agentPage.getByTestId('session-state').getByText('Ready').waitFor();
  });

  it('PAGE2: a reload in mid-stream shows the same text, once', async () => {
    await say(agentPage, 'slow 60');
    await eventually(
      'some text',
      async () => /\b1 2 3 4 5 6 7 8\b/.test(await transcript(agentPage).innerText()),
      20_000,
    );
    await agentPage.reload();
    await eventually('the same text', async () => /\b1 2 3 4 5 6 7 8\b/.test(await transcript(agentPage).innerText()));
    await agentPage.getByTestId('session-state').getByText('Ready').waitFor({ timeout: 20_000 });
    const text = await transcript(agentPage).innerText();
    expect(text.match(/\b1 2 3 4 5\b/g)).toHaveLength(1);
    expect(text).toMatch(/\b58 59 60\b/);
  });

  it('LINK1, TERM4, TURN5: kill -9 of the server while the shell prints and the agent streams: both went on, the pages catch up', async () => {
    const terminalId = page.url().split('/').at(-1) ?? '';
    const agentId = agentPage.url().split('/').at(-1) ?? '';
    await page.getByTestId('terminal').click();
    await page.keyboard.type(
      'for i in $(seq 1 120); do echo "tick $i"; sleep 0.05; done; echo all-$((100+20))-printed\n',
    );
    await say(agentPage, 'slow 120');
    await eventually('ticks', async () => /tick 5\b/.test(await screenOf(page)));
    await eventually('stream', async () => /\b1 2 3 4 5 6\b/.test(await transcript(agentPage).innerText()), 20_000);
    await holdfast.kill();
    await agentPage
      .getByTestId('connection')
      .getByText(/Reconnecting|Offline|No connection/i)
      .waitFor();
    // What cannot be known now is not claimed.
    expect(await agentPage.getByTestId('session-state').innerText()).not.toMatch(/^Running/);
    await holdfast.start();
    await eventually('all ticks', async () => /all-120-printed/.test(await screenOf(page)), 30_000);
    expect(await api.screen(terminalId)).toMatch(/tick 118\ntick 119\ntick 120\nall-120-printed/);
    expect(await screenOf(page)).toMatch(/tick 119\s+tick 120\s+all-120-printed/);
    await agentPage.getByTestId('session-state').getByText('Ready').waitFor({ timeout: 40_000 });
    const text = await transcript(agentPage).innerText();
    expect(text).toMatch(/\b118 119 120\b/);
    const log = await api.log(agentId);
    expectSoundLog(log);
    expect(log.filter((fact) => fact.type === 'turn.interrupted')).toEqual([]);
    expectSoundLog(await api.log(terminalId));
    await page.keyboard.type('echo still-$((1+1))-here\n');
    await eventually('keys reach the same shell', async () => /^still-2-here\s*$/m.test(await screenOf(page)));
  });

  it('APPR4: an approval that was open when the server died is answered after it is back', async () => {
    const agentId = agentPage.url().split('/').at(-1) ?? '';
    await say(agentPage, 'run echo after the crash > second.txt; cat second.txt');
    const card = agentPage.getByTestId('approval-card').last();
    await card.getByRole('button', { name: 'Allow once' }).waitFor({ timeout: 30_000 });
    await holdfast.kill();
    await holdfast.start();
    await agentPage.getByTestId('connection').getByText('Connected').waitFor({ timeout: 30_000 });
    await card.getByRole('button', { name: 'Allow once' }).click();
    await transcript(agentPage).getByText('Result: after the crash').waitFor({ timeout: 30_000 });
    await agentPage.getByTestId('session-state').getByText('Ready').waitFor();
    const log = await api.log(agentId);
    expectSoundLog(log);
    expect(log.filter((fact) => fact.type === 'approval.requested')).toHaveLength(2);
    expect(log.filter((fact) => fact.type === 'approval.applied')).toHaveLength(2);
  });

  it('PAGE9: a conversation of 10,001 facts opens at its end, is usable at once, and goes back to its first message, each once', async () => {
    const workspaceId = await api.workspace('long');
    const id = await api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo', prompt: 'read first' } });
    await api.fact(id, 'turn.ended');
    const count = 10_001 - (await api.session(id)).lastSeq;
    await holdfast.kill();
    const store = await openStore(holdfast.dataDirectory);
    await addFacts(store, id, count, (number) => `block ${number}`);
    await store.close();
    await holdfast.start();

    // Who scrolls looks at it: a page behind another one draws nothing.
    await page.bringToFront();
    const wentBack: string[] = [];
    page.on('request', (request) => {
      if (/\/events\?.*before=/.test(request.url())) wentBack.push(request.url());
    });
    await page.goto(`${holdfast.origin}/s/${id}`);
    await transcript(page)
      .getByText(`block ${count - 1}`, { exact: true })
      .waitFor();
    const drawn = (): Promise<string[]> =>
      transcript(page).evaluate((view) => [...view.querySelectorAll('article')].map((one) => one.textContent.trim()));
    expect((await drawn()).length).toBeLessThanOrEqual(200);
    await say(page, 'ls');
    const { turnId } = await api.fact(id, 'message.user', ({ text }) => text === 'ls');
    await api.fact(id, 'turn.ended', (turn) => turn.turnId === turnId);
    expect(wentBack).toEqual([]);

    const seen = new Set<string>();
    const beginning = page.getByText('Beginning of the conversation');
    await eventually(
      'the beginning',
      async () => {
        const texts = await drawn();
        expect(texts.length).toBeLessThanOrEqual(600);
        const blocks = texts.filter((text) => /^block \d+$/.test(text));
        const first = Number(blocks[0]?.slice('block '.length));
        expect(blocks).toEqual(blocks.map((_, index) => `block ${first + index}`));
        for (const block of blocks) seen.add(block);
        if (await beginning.isVisible()) return true;
        await transcript(page).evaluate((view) => {
          view.scrollTop = 1;
          view.scrollTop = 0;
        });
        return false;
      },
      60_000,
    );
    expect(seen.size).toBe(count);
    expect(await transcript(page).getByRole('article', { name: 'Message from You' }).first().innerText()).toMatch(
      /^read first\n/,
    );
    expect(wentBack.length).toBe(Math.ceil(10_001 / 200) - 1);
    await page.getByRole('button', { name: 'Jump to latest' }).click();
    await transcript(page)
      .getByText(`block ${count - 1}`, { exact: true })
      .waitFor();
  });

  it('PAGE1: nothing threw on the way', () => {
    expect(problems).toEqual([]);
  });
});

describe.skipIf(chromium === null)('a newcomer without any key (skipped without Chromium)', () => {
  it('TURN9, PAGE1: is told what to do, and two taps start the demo agent, which asks before it acts', async () => {
    const holdfast = await install({ model: false });
    const browser = await launchChromium(chromium ?? '');
    try {
      const { page, problems } = await openPage(browser, 'phone', 'dark');
      await page.goto(await holdfast.start());
      await page.getByText('ANTHROPIC_API_KEY').first().waitFor();
      await page.getByRole('button', { name: /demo agent/i }).click();
      await page.getByRole('button', { name: 'Start agent' }).click();
      await composer(page).waitFor();
      await composer(page).fill('run echo from-the-demo');
      await page.getByRole('button', { name: /^Send/ }).click();
      await page.getByTestId('approval-card').getByRole('button', { name: 'Allow once' }).click({ timeout: 20_000 });
      await transcript(page).getByText('from-the-demo').last().waitFor();
      await page.getByTestId('session-state').getByText('Ready').waitFor({ timeout: 20_000 });
      await composer(page).fill('ask');
      await page.getByRole('button', { name: /^Send/ }).click();
      await page.getByTestId('approval-card').last().getByRole('radio').first().check({ timeout: 20_000 });
      await page.getByRole('button', { name: 'Send answer' }).click();
      await page.getByTestId('session-state').getByText('Ready').waitFor({ timeout: 20_000 });
      expect(problems).toEqual([]);
    } finally {
      await browser.close();
      await holdfast.dispose();
    }
  });
});
