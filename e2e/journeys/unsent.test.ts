/** What a person hands over and what becomes of it before it is in the log: files and messages, over cuts and tabs. */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { chromiumPath } from '@holdfast/testkit/programs.ts';
import type { Browser, Cookie, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { violations } from '../support/accessibility.ts';
import { Api } from '../support/api.ts';
import { type Scheme, type Size, launchChromium, openPage } from '../support/browser.ts';
import { drop, paste } from '../support/hand-over.ts';
import { type Installation, install } from '../support/program.ts';
import { expectSoundLog } from '../support/sound-log.ts';

const chromium = chromiumPath();
const artifacts = fileURLToPath(new URL('../artifacts/', import.meta.url));
const uploadBytes = 1024 * 1024;

const composer = (page: Page) => page.getByTestId('composer').getByRole('textbox');
const sendButton = (page: Page) => page.getByTestId('composer').locator('button[type=submit]');
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
  const messages = async (id: string) => {
    const log = await api.log(id);
    expectSoundLog(log);
    return log.flatMap((fact) => (fact.type === 'message.user' ? [fact.data] : []));
  };

  it('PAGE12, PAGE13: a pasted image, a dropped and a chosen file go with the message; refusals are at the file', async () => {
    const id = await agent('Files');
    const page = await open('desktop', 'light');
    await visit(page, id);
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
    await api.fact(id, 'message.user');
    await api.fact(id, 'turn.ended');
    const sent = await messages(id);
    expect(sent.map(({ text, attachments }) => [text, attachments?.map(({ size }) => size)])).toEqual([
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
});
