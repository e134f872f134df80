/** What a person hands over and what becomes of it before it is in the log: files and messages, over cuts and tabs. */
import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { outboxLimits } from '@holdfast/core/client/outbox.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { chromiumPath } from '@holdfast/testkit/programs.ts';
import type { Browser, Cookie, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { violations } from '../support/accessibility.ts';
import { Api } from '../support/api.ts';
import { type Scheme, type Size, launchChromium, openPage } from '../support/browser.ts';
import { drop, paste } from '../support/hand-over.ts';
import { type Line, lossyLine } from '../support/lossy-line.ts';
import { type Installation, install } from '../support/program.ts';
import { expectSoundLog } from '../support/sound-log.ts';

const chromium = chromiumPath();
const artifacts = fileURLToPath(new URL('../artifacts/', import.meta.url));
const uploadBytes = 1024 * 1024;

const composer = (page: Page) => page.getByTestId('composer').getByRole('textbox');
const sendButton = (page: Page) => page.getByTestId('composer').locator('button[type=submit]');
async function say(page: Page, text: string): Promise<void> {
  await composer(page).fill(text);
  await composer(page).press('Control+Enter');
}
const tray = (page: Page) => page.getByTestId('attachments');
const pick = (page: Page, name: string, buffer: Buffer, mimeType = 'application/octet-stream'): Promise<void> =>
  page.getByTestId('file-input').first().setInputFiles({ name, mimeType, buffer });

describe.skipIf(chromium === null)('what is not sent yet, in Chromium (skipped without it)', () => {
  let holdfast: Installation;
  let browser: Browser;
  let api: Api;
  let workspaceId: string;
  const pages: Page[] = [];
  let problems: string[] = [];
  let login: Cookie[];

  beforeAll(async () => {
    mkdirSync(artifacts, { recursive: true });
    holdfast = await install({ model: false, environment: { HOLDFAST_MAX_UPLOAD_BYTES: String(uploadBytes) } });
    const link = await holdfast.start();
    browser = await launchChromium(chromium ?? '');
    const { context, page } = await openPage(browser, 'desktop', 'light');
    await page.goto(link);
    await page.getByRole('navigation').first().waitFor();
    login = await context.cookies();
    await context.close();
    api = await Api.open(holdfast);
    workspaceId = await api.workspace('unsent');
  });
  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
    expect(problems.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await holdfast.dispose();
  });

  const open = async (size: Size, scheme: Scheme, prepare: (page: Page) => Promise<void> = async () => undefined) => {
    const opened = await openPage(browser, size, scheme);
    pages.push(opened.page);
    problems = opened.problems;
    await prepare(opened.page);
    await opened.context.addCookies(login);
    return opened.page;
  };
  const agent = (title: string): Promise<string> =>
    api.create({ kind: 'agent', workspaceId, title, agent: { provider: 'demo' } });
  const visit = async (page: Page, id: string): Promise<void> => {
    await page.goto(`${holdfast.origin}/s/${id}`);
    await page.getByTestId('connection').getByText('Connected').waitFor({ state: 'attached' });
  };
  const look = async (page: Page, name: string): Promise<void> => {
    await page.screenshot({ path: `${artifacts}${name}.png` });
    expect(await violations(page), name).toEqual([]);
  };
  const messages = async (id: string) =>
    (await api.log(id)).flatMap((fact) => (fact.type === 'message.user' ? [fact.data] : []));
  /** Once all that was asked for has been done. */
  const soundTexts = async (id: string, count: number): Promise<string[]> => {
    await eventually(
      `${count} turns are over`,
      async () => (await api.log(id)).filter(({ type }) => type === 'turn.ended').length === count,
      40_000,
    );
    expectSoundLog(await api.log(id));
    return (await messages(id)).map(({ text }) => text);
  };

  it('PAGE12, PAGE13: a pasted image, a dropped and a chosen file go with the message; refusals are at the file', async () => {
    const id = await agent('Files');
    const page = await open('desktop', 'light');
    await visit(page, id);
    // What is pasted before the session is drawn is pasted nowhere.
    await composer(page).waitFor();
    await paste(page, { name: 'screen.png', width: 3_000, height: 1_000 });
    await drop(page, '[data-testid=composer]', [{ name: 'notes.txt', text: 'hello' }]);
    await pick(page, 'huge.bin', Buffer.alloc(uploadBytes + 1));
    await tray(page).getByText('A file may have 1 MiB; this one has 1.1 MiB.').waitFor();
    await composer(page).fill('look at these');
    expect(await sendButton(page).innerText()).toBe('Remove 1 file');
    expect(await sendButton(page).isDisabled()).toBe(true);
    await look(page, 'files-desktop-light');
    await page.getByRole('button', { name: 'Remove huge.bin' }).click();
    await eventually('all are there', () => sendButton(page).isEnabled());
    await sendButton(page).click();
    await page.getByTestId('sent-files').getByText('notes.txt').waitFor();
    await tray(page).waitFor({ state: 'detached' });
    const [message, ...more] = await eventually('the message', async () => {
      const found = await messages(id);
      return found.length > 0 && found;
    });
    expect(more).toEqual([]);
    expect(message?.attachments?.map(({ name, mediaType }) => [name, mediaType])).toEqual([
      ['screen.png', 'image/png'],
      ['notes.txt', 'text/plain'],
    ]);
    // The thumbnail is the picture as the agent has it.
    const picture = page.getByTestId('sent-files').locator('img');
    await eventually('the picture', () => picture.evaluate((image: HTMLImageElement) => image.naturalWidth > 0));
    expect(await picture.evaluate((image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight])).toEqual([
      1_568, 523,
    ]);
    await look(page, 'files-sent-desktop-light');
  });

  it('PAGE12: cut in the middle by a killed server, a file goes on from what is there, and its message arrives once', async () => {
    const id = await agent('Cut');
    const page = await open('phone', 'dark');
    await visit(page, id);
    const offsets: number[] = [];
    let killed = false;
    await page.route('**/uploads/*', async (route) => {
      const offset = Number(new URL(route.request().url()).searchParams.get('offset'));
      offsets.push(offset);
      if (offset > 0 && !killed) {
        killed = true;
        await holdfast.kill();
      }
      await route.continue().catch(() => undefined);
    });
    await pick(page, 'report.bin', Buffer.alloc(600_000, 7));
    await tray(page).getByText('Waiting for the network, 43 % is there').waitFor();
    await composer(page).fill('read the report');
    expect(await sendButton(page).innerText()).toBe('Waiting for 1 file');
    await look(page, 'files-cut-phone-dark');
    await holdfast.start();
    await tray(page).getByText('600 kB').waitFor({ timeout: 30_000 });
    expect(offsets.filter((offset) => offset === 0)).toHaveLength(1);
    await sendButton(page).click();
    await page.getByTestId('sent-files').getByText('report.bin').waitFor();
    expect(await soundTexts(id, 1)).toEqual(['read the report']);
    expect((await messages(id)).map(({ text, attachments }) => [text, attachments?.map(({ size }) => size)])).toEqual([
      ['read the report', [600_000]],
    ]);
    await look(page, 'files-sent-phone-dark');
  });

  it('PAGE13: in a terminal the path of a file is typed, and Enter is left to the person', async () => {
    const id = await api.create({ kind: 'terminal', workspaceId, title: 'Shell' });
    const page = await open('desktop', 'dark');
    await visit(page, id);
    const screen = (): Promise<string> => page.locator('.xterm-rows').innerText();
    await eventually('a prompt', async () => /[$#] *$/m.test(await screen()));
    await page.getByTestId('terminal').click();
    await page.keyboard.type('wc -c ');
    await drop(page, '[data-testid=terminal]', [{ name: "it's.txt", text: 'hello' }]);
    await eventually('its path', async () => /wc -c [^]*uploads/.test(await screen()));
    expect(await screen()).not.toMatch(/^5 /m);
    await page.keyboard.press('Enter');
    await eventually('its bytes', async () => /^5 /m.test(await screen()));
    await look(page, 'files-terminal-desktop-dark');
  });

  it('PAGE14, PAGE15, PAGE8: two tabs and one without a storage, closed, killed and opened: each message once, in order', async () => {
    const [shared, alone] = await Promise.all([agent('Shared'), agent('Alone')]);
    const first = await open('desktop', 'light');
    const second = await first.context().newPage();
    const memory = await open('phone', 'light', async (page) => {
      await page.addInitScript(() => {
        IDBFactory.prototype.open = () => {
          throw new DOMException('this is a private window', 'SecurityError');
        };
      });
    });
    for (const page of [first, second]) await visit(page, shared);
    await visit(memory, alone);
    await memory.getByTestId('storage-notice').waitFor();
    expect(await first.getByTestId('storage-notice').count()).toBe(0);

    await holdfast.kill();
    // Said briefly and answered briefly: what is looked at is how they get there.
    for (const text of ['read a1', 'read a2']) await say(first, text);
    for (const text of ['read b1', 'read b2']) await say(second, text);
    await say(memory, 'read from memory');
    const kept = (page: Page) => page.getByText('Kept here, goes out when connected');
    for (const page of [first, second]) await eventually('kept', async () => (await kept(page).count()) === 2);
    await kept(memory).waitFor();
    await look(memory, 'storage-phone-light');
    await first.close();
    await eventually('taken over', async () => (await kept(second).count()) === 4);
    await holdfast.start();
    expect(await soundTexts(shared, 4)).toEqual(['read a1', 'read a2', 'read b1', 'read b2']);
    expect(await soundTexts(alone, 1)).toEqual(['read from memory']);

    await holdfast.kill();
    for (const text of ['read c1 a secret', 'read c2']) await say(second, text);
    await eventually('kept', async () => (await kept(second).count()) === 2);
    await second.getByTestId('connection').getByRole('button').click();
    await second.getByText('Waiting to be sent: 2').waitFor();
    expect(await second.getByTestId('attempts').innerText()).toMatch(
      /Attempt \d+ · 2 connections · \d+ lost or failed/,
    );
    await look(second, 'connection-desktop-light');
    const downloading = second.waitForEvent('download');
    await second.getByRole('button', { name: 'Download report' }).click();
    const report = readFileSync(await (await downloading).path(), 'utf8');
    expect(JSON.parse(report)).toMatchObject({
      history: { opened: 2, last: { error: 'unavailable' } },
      sessions: [{ sessionId: shared, state: 'waiting', repaired: 0 }],
      outbox: [
        { type: 'message.send', state: 'saved' },
        { type: 'message.send', state: 'saved' },
      ],
    });
    for (const secret of ['a secret', 'Shared', 'unsent', api.key, ...login.map(({ value }) => value)]) {
      expect(report).not.toContain(secret);
    }
    const context = second.context();
    await second.close();
    await holdfast.start();
    const third = await context.newPage();
    await visit(third, shared);
    expect(await soundTexts(shared, 6)).toEqual(
      ['a1', 'a2', 'b1', 'b2', 'c1 a secret', 'c2'].map((what) => `read ${what}`),
    );
  });

  it('LINK6, LINK7, PAGE11: a message whose answer is lost for too long may have arrived: so it says, also later, and Check lands it once', async () => {
    const id = await agent('Lost');
    const lines: Line[] = [];
    const page = await open('desktop', 'light', async (opened) => {
      await opened.clock.install();
      lines.push(await lossyLine(opened));
    });
    const [line] = lines;
    if (line === undefined) throw new Error('there is no line');
    await visit(page, id);
    // What shows the session must not be lost, too.
    await composer(page).waitFor();
    line.losing = true;
    await say(page, 'ls');
    expect(await soundTexts(id, 1)).toEqual(['ls']);
    const words = /^It may or may not have arrived: /;
    await eventually(
      'given back',
      async () => {
        // A line on which nothing is heard at all would be another case.
        await eventually('signs of life', () => line.unanswered === 0);
        await page.clock.fastForward(outboxLimits.answerMs);
        return (await page.getByTestId('delivery').getByText(words).count()) === 1;
      },
      40_000,
    );
    await page.getByTestId('connection').getByText('Connected').waitFor({ state: 'attached' });
    await page.getByTestId('transcript').getByRole('button', { name: 'Check' }).waitFor();
    await look(page, 'unsure-desktop-light');

    line.losing = false;
    await page.goto(`${holdfast.origin}/`);
    const card = page.getByRole('region', { name: 'Message that may have arrived' });
    await card.getByText(words).waitFor();
    await card.getByRole('button', { name: 'Check' }).click();
    await card.waitFor({ state: 'detached' });
    await visit(page, id);
    await page.getByTestId('delivery').getByText('Done').waitFor();
    expect(await page.getByTestId('delivery').count()).toBe(1);
    expect(await soundTexts(id, 1)).toEqual(['ls']);
  });

  it('PAGE19, PAGE11: every limit is told where it is met; what was written stays, goes by itself or waits for Retry', async () => {
    const [busy, other, quick] = await Promise.all([agent('Busy'), agent('Other'), agent('Quick')]);
    const terminal = await api.create({ kind: 'terminal', workspaceId, title: 'Keys' });
    await api.fact(terminal, 'session.started');
    await holdfast.terminate();
    Object.assign(holdfast.environment, {
      HOLDFAST_MAX_RUNNING_AGENTS: '1',
      HOLDFAST_MESSAGES_PER_MINUTE: '20',
      HOLDFAST_INPUT_BYTES_PER_SECOND: '5000',
      HOLDFAST_STARTS_PER_MINUTE: '1',
      HOLDFAST_MAX_CONNECTIONS: '1',
    });
    await holdfast.start();
    const page = await open('desktop', 'dark');

    // A quota: given back with its reason, in its session and among what waits; Retry sends it once.
    await api.command(busy, { id: 'ask', type: 'message.send', text: 'ask' });
    await api.fact(busy, 'question.requested');
    await visit(page, other);
    await say(page, 'read it when there is room');
    await page.getByText('Not sent: 1 of your agents is at work').waitFor();
    await page.reload();
    await page.getByText('Not sent: 1 of your agents is at work').waitFor();
    await page.getByRole('link', { name: /^Home/ }).click();
    const card = page.getByTestId('given-back');
    await card.getByText('read it when there is room').waitFor();
    await look(page, 'given-back-desktop-dark');
    await api.command(busy, { id: 'stop', type: 'turn.stop' });
    await api.fact(busy, 'turn.ended');
    await card.getByRole('button', { name: 'Retry' }).click();
    await card.waitFor({ state: 'detached' });
    expect(await soundTexts(other, 1)).toEqual(['read it when there is room']);

    // A rate: kept, counted down, and gone by itself.
    await visit(page, quick);
    for (let sent = 0; sent < 10; sent += 1) {
      await api.command(quick, { id: `quick-${sent}`, type: 'message.send', text: 'ls' });
    }
    await say(page, 'in time');
    await page.getByText(/^Kept\. One session takes 10 messages a minute\..*Goes out in \d+ s$/).waitFor();
    await look(page, 'delayed-desktop-dark');
    await eventually(
      'it went',
      async () => (await api.log(quick)).some((fact) => JSON.stringify(fact.data).includes('in time')),
      30_000,
    );

    // Sessions started, and keys.
    await api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo' } });
    await page.goto(`${holdfast.origin}/more`);
    await page.getByRole('button', { name: 'New session', exact: true }).click();
    await page.getByRole('button', { name: /^Start/ }).click();
    await page.getByText(/You may start 1 session a minute\..*Starts by itself in \d+ s/).waitFor();
    await look(page, 'start-limit-desktop-dark');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await visit(page, terminal);
    const screen = page.locator('.xterm-rows');
    await eventually('a prompt', async () => /[$#] *$/m.test(await screen.innerText()), 30_000);
    await page.getByTestId('terminal').click();
    await page.keyboard.type('cat > keys.txt\n');
    await page.keyboard.insertText(`${'k'.repeat(99)}\n`.repeat(800));
    await page.getByText(/^Terminals take 5000 bytes a second from you\..*Go on (now|in \d+ s)$/).waitFor();
    await page.getByText('Terminals take').waitFor({ state: 'detached', timeout: 30_000 });

    // One page too many: it says so, and comes in when there is room.
    const phone = await open('phone', 'dark');
    await phone.goto(`${holdfast.origin}/`);
    await phone.getByText(/You have 1 connection open, which is the limit\..*Tries again (now|in \d+ s)/).waitFor();
    await look(phone, 'connections-phone-dark');
    await page.close();
    await eventually(
      'it comes in',
      async () => {
        // It also tries by itself: the button may go away under the hand.
        if ((await phone.getByText('You have 1 connection').count()) === 0) return true;
        await phone.getByRole('button', { name: 'Try now' }).click({ timeout: 1_000 });
        return false;
      },
      30_000,
    );
    await phone.getByRole('link', { name: 'Quick' }).waitFor();
  });
});
