/** What a terminal's page does beside showing it: finding, pasting, the clipboard, the size of its text, drafts. */
import { readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@holdfast/testkit/eventually.ts';
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { violations } from '../support/accessibility.ts';
import type { Scheme, Size } from '../support/browser.ts';
import { artifacts, chromium, chromiumSetting } from '../support/chromium-setting.ts';

const screenOf = (page: Page): Promise<string> => page.locator('.xterm-rows').innerText();

describe.skipIf(chromium === null)('a terminal’s page, in Chromium (skipped without it)', () => {
  const setting = chromiumSetting('work');
  const pages = new Map<Size, Page>();
  const problems: string[] = [];

  afterEach(() => expect(problems).toEqual([]));

  /** One page of each size serves all tests. */
  async function pageOf(size: Size, scheme: Scheme): Promise<Page> {
    const known = pages.get(size);
    if (known !== undefined) return known;
    const opened = await setting.enter(size, scheme, async (page) => {
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: setting.holdfast.origin });
      page.on('pageerror', (error) => problems.push(error.message));
    });
    pages.set(size, opened.page);
    return opened.page;
  }
  async function terminalIn(page: Page): Promise<string> {
    const id = await setting.api.create({ kind: 'terminal', workspaceId: setting.workspaceId, title: 'Build' });
    await page.goto(`${setting.holdfast.origin}/s/${id}`);
    await eventually('a prompt', async () => /[$#] *$/m.test(await screenOf(page)));
    return id;
  }
  const type = async (page: Page, text: string): Promise<void> => {
    await page.getByTestId('terminal').click();
    await page.keyboard.type(text);
  };
  const clipboardOf = (page: Page): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
  const pasteInto = (page: Page, text: string): Promise<void> =>
    page.locator('.xterm-helper-textarea').evaluate((field, pasted) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData('text/plain', pasted);
      field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    }, text);

  it.each([
    ['desktop', 'light'],
    ['phone', 'dark'],
  ] as const)('PAGE20, PAGE3: text is found, also above the screen, on a %s', async (size, scheme) => {
    const page = await pageOf(size, scheme);
    await terminalIn(page);
    await type(page, 'for i in $(seq 1 200); do echo "row $i of Many"; done; clear -x\n');
    await eventually('cleared', async () => !(await screenOf(page)).includes('row 1'));
    if (size === 'desktop') await page.keyboard.press('Control+Shift+F');
    else await page.getByRole('button', { name: 'Find' }).click();
    const bar = page.getByRole('search');
    await bar.getByRole('searchbox').fill('row 17 of many');
    await bar.getByText('1 of 1').waitFor();
    await eventually('it is shown', async () => (await screenOf(page)).includes('row 17 of Many'));
    await bar.getByRole('button', { name: 'Match case' }).click();
    await bar.getByText('None').waitFor();
    await bar.getByRole('button', { name: 'Match case' }).click();
    await bar.getByRole('button', { name: 'Regular expression' }).click();
    await bar.getByRole('searchbox').fill('row 1[01]\\d of');
    await bar.getByText('20 of 20').waitFor();
    await bar.getByRole('searchbox').press('Enter');
    await bar.getByText('19 of 20').waitFor();
    await page.screenshot({ path: `${artifacts}terminal-find-${size}-${scheme}.png` });
    expect(await violations(page)).toEqual([]);
    await bar.getByRole('searchbox').fill('row 1[');
    await bar.getByText('None').waitFor();
    await bar.getByRole('searchbox').press('Escape');
    await bar.waitFor({ state: 'detached' });
    await page.keyboard.type('echo keys-$((40+2))\n');
    await eventually('the shell has the keys', async () => (await screenOf(page)).includes('keys-42'));
  });

  it('PAGE21: a large paste goes in whole; lines that would run are shown first', async () => {
    const page = await pageOf('desktop', 'light');
    await terminalIn(page);
    const file = join(setting.holdfast.workspaces, 'work/pasted.txt');
    await type(page, 'stty raw -echo; head -c 3000000 > pasted.txt; stty sane; echo all-$((40+2))\n');
    await eventually('it reads', () => existsSync(file));
    const text = Array.from({ length: 200_000 }, (_, line) => `line ${line} ${'ä'.repeat(line % 7)}\n`)
      .join('')
      .slice(0, 2_000_000);
    const bytes = Buffer.from(text.replaceAll('\n', '\r'));
    await pasteInto(page, `${text}${'\n'.repeat(3_000_000 - bytes.length)}`);
    await page
      .getByRole('dialog')
      .getByText('Pasting', { exact: false })
      .or(page.getByRole('dialog'))
      .first()
      .waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Paste', exact: true }).click();
    await page.getByText('Pasting:').waitFor();
    await eventually('all of it', async () => (await screenOf(page)).includes('all-42'), 60_000);
    expect(readFileSync(file).subarray(0, bytes.length).equals(bytes)).toBe(true);
    await page.getByText('Pasting:').waitFor({ state: 'detached' });
    // bash knows pastes: its lines wait for Enter, nobody has to be asked.
    await pasteInto(page, 'echo one-$((40+2))\necho two-$((40+2))');
    await eventually('both lines', async () => /echo two-\$\(\(40\+2\)\)/.test(await screenOf(page)));
    expect(await screenOf(page)).not.toContain('one-42');
    await page.keyboard.press('Enter');
    await eventually('both ran', async () => /one-42[^]*two-42/.test(await screenOf(page)));
    await type(page, 'printf ready-$((40+2)); cat > lines.txt\n');
    await eventually('it reads', async () => (await screenOf(page)).includes('ready-42'));
    await pasteInto(page, 'first\nsecond\n');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Paste 2 lines?').waitFor();
    await page.screenshot({ path: `${artifacts}terminal-paste-desktop-light.png` });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await type(page, 'typed\n');
    await page.keyboard.press('Control+D');
    const lines = join(setting.holdfast.workspaces, 'work/lines.txt');
    await eventually('only what was typed', () => existsSync(lines) && readFileSync(lines, 'utf8') === 'typed\n');
  });

  it('PAGE22: a program’s text goes to the clipboard only once it is allowed, and not again after a reload', async () => {
    const page = await pageOf('desktop', 'light');
    await terminalIn(page);
    await page.evaluate(() => navigator.clipboard.writeText('mine'));
    const put = (text: string): string => `printf '\\e]52;c;%s\\a' $(printf %s ${text} | base64)\n`;
    await type(page, put('theirs'));
    const allow = page.getByRole('button', { name: 'Allow here' });
    await allow.waitFor();
    await page.getByText('put 6 characters on the clipboard').waitFor();
    expect(await clipboardOf(page)).toBe('mine');
    await allow.click();
    await eventually('there', async () => (await clipboardOf(page)) === 'theirs');
    await type(page, put('theirs-too'));
    await eventually('there, unasked', async () => (await clipboardOf(page)) === 'theirs-too');
    await page.evaluate(() => navigator.clipboard.writeText('mine again'));
    await page.reload();
    await eventually('what was there', async () => /base64/.test(await screenOf(page)));
    await type(page, "printf '\\e]52;c;?\\a'; echo asked-$((40+2))\n");
    await eventually('it asked', async () => (await screenOf(page)).includes('asked-42'));
    expect(await allow.count()).toBe(0);
    expect(await clipboardOf(page)).toBe('mine again');
  });

  it('PAGE23: the size of the text is kept on the device, and the shell has as many columns as fit', async () => {
    const page = await pageOf('desktop', 'light');
    const id = await terminalIn(page);
    const columns = async (): Promise<number> => (await setting.api.session(id)).terminal?.cols ?? 0;
    await eventually('its own size', async () => (await columns()) > 100);
    const before = await columns();
    await page.getByTestId('terminal').click();
    for (let press = 0; press < 4; press += 1) await page.keyboard.press('Control+=');
    await eventually('fewer columns', async () => (await columns()) < before);
    const larger = await columns();
    await page.reload();
    await eventually('a prompt', async () => /[$#] *$/m.test(await screenOf(page)));
    await eventually('still', async () => (await columns()) === larger);
    await page.getByTestId('terminal').click();
    await page.keyboard.press('Control+0');
    await eventually('as usual', async () => (await columns()) === before);
  });

  it('PAGE24, PAGE7: on a phone a command is written in a box, kept over a reload, and run', async () => {
    const page = await pageOf('phone', 'dark');
    await terminalIn(page);
    await page.getByRole('button', { name: 'Write a command' }).click();
    const box = page.getByRole('textbox', { name: 'Command' });
    await box.fill('echo drafted-$((40+2))');
    await page.reload();
    await eventually('a prompt', async () => /[$#] *$/m.test(await screenOf(page)));
    await page.getByRole('button', { name: 'Write a command' }).click();
    expect(await box.inputValue()).toBe('echo drafted-$((40+2))');
    await page.screenshot({ path: `${artifacts}terminal-draft-phone-dark.png` });
    await page.getByRole('button', { name: 'Run' }).click();
    await eventually('it ran', async () => (await screenOf(page)).includes('drafted-42'));
    expect(await box.inputValue()).toBe('');
  });

  it('SHELL4, SHELL5, SHELL6: commands have marks, are jumped to, and a long one that ended unseen is told', async () => {
    const page = await pageOf('desktop', 'light');
    await terminalIn(page);
    const ended = (words: string): Promise<void> =>
      page.locator(`[data-testid=command-mark][title^="${words}"]`).first().waitFor();
    await type(page, 'echo first-$((40+2))\n');
    await ended('Done');
    await page.keyboard.type('sh -c "exit 3"\n');
    await ended('Exit code 3');
    await page.screenshot({ path: `${artifacts}terminal-commands-desktop-light.png` });
    expect(await violations(page)).toEqual([]);
    await page.keyboard.type('seq 300 400\n');
    await eventually('scrolled away', async () => !(await screenOf(page)).includes('exit 3'));
    await page.keyboard.press('Control+Shift+ArrowUp');
    await eventually('its line', async () => (await screenOf(page)).includes('seq 300'));
    await page.keyboard.press('Control+Shift+ArrowUp');
    await eventually('the one before', async () => (await screenOf(page)).includes('exit 3'));
    await page.getByTestId('command-shown').waitFor();
    await page.screenshot({ path: `${artifacts}terminal-command-shown-desktop-light.png` });
    for (let press = 0; press < 2; press += 1) await page.keyboard.press('Control+Shift+ArrowDown');
    await eventually('the end', async () => !(await screenOf(page)).includes('exit 3'));
    await page.evaluate(() => {
      const notified: string[] = [];
      class Notified {
        static readonly permission = 'granted';
        constructor(_: string, { body }: { body: string }) {
          notified.push(body);
        }
      }
      Object.assign(window, { notified, Notification: Notified });
    });
    await page.keyboard.type('cat > /dev/null\n');
    await page.locator('[data-testid=command-mark][title=Running]').waitFor();
    await page.evaluate(() => {
      const now = performance.now.bind(performance);
      performance.now = () => now() + 20_000;
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
    });
    await page.keyboard.press('Control+D');
    await page.waitForFunction(() => (window as unknown as { notified: string[] }).notified.length === 1);
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await page.getByText(/^cat > \/dev\/null ended after 2\d\.\d s$/).waitFor();
  });
  it.each([
    ['desktop', 'light'],
    ['phone', 'dark'],
  ] as const)(
    'REC1, REC6: a recording goes on over a kill of the server, and is played, on a %s',
    async (size, scheme) => {
      const page = await pageOf(size, scheme);
      const id = await terminalIn(page);
      const choose = async (item: string): Promise<void> => {
        await page.getByRole('button', { name: 'Session menu' }).click();
        await page.getByRole('menuitem', { name: item, exact: true }).click();
      };
      await choose('Record');
      const pill = page.getByTestId('recording-now');
      await pill.waitFor();
      await type(page, 'echo first-$((40+2))\n');
      await eventually('printed', async () => (await screenOf(page)).includes('first-42'));
      if (size === 'desktop') {
        await page.reload();
        await setting.holdfast.kill();
        await setting.holdfast.start();
        await pill.waitFor();
        await eventually('shown again', async () => (await screenOf(page)).includes('first-42'));
      }
      await type(page, 'echo second-$((40+2))\n');
      await eventually('printed', async () => (await screenOf(page)).includes('second-42'));
      await page.screenshot({ path: `${artifacts}terminal-recording-${size}-${scheme}.png` });
      expect(await violations(page)).toEqual([]);
      await pill.getByRole('button', { name: 'Stop' }).click();
      await pill.waitFor({ state: 'detached' });
      await choose('Recordings…');
      const dialog = page.getByRole('dialog');
      await dialog.getByText(/B$/).first().waitFor();
      await page.screenshot({ path: `${artifacts}terminal-recordings-${size}-${scheme}.png` });
      const saving = page.waitForEvent('download');
      await dialog.getByRole('button', { name: 'Download' }).click();
      const saved = await saving;
      expect(saved.suggestedFilename()).toMatch(/\.cast$/);
      const [header = '', ...lines] = readFileSync(await saved.path(), 'utf8')
        .trimEnd()
        .split('\n');
      expect(JSON.parse(header)).toMatchObject({ version: 2, title: 'Build' });
      const events = lines.map((line) => JSON.parse(line) as [number, string, string]);
      const output = events.map(([, code, data]) => (code === 'o' ? data : '')).join('');
      for (const word of ['first-42', 'second-42']) expect(output.split(word)).toHaveLength(2);
      await dialog.getByRole('link', { name: 'Play' }).click();
      await eventually('it plays', async () => (await screenOf(page)).includes('first-42'));
      const position = page.getByRole('slider', { name: 'Position' });
      const seek = (to: number): Promise<void> =>
        position.evaluate((field: HTMLInputElement, value) => {
          field.value = String(value);
          field.dispatchEvent(new Event('input', { bubbles: true }));
        }, to);
      await page.getByRole('button', { name: 'Pause' }).click();
      await seek(Number(await position.getAttribute('max')));
      await eventually('the end', async () => (await screenOf(page)).includes('second-42'));
      await page.getByRole('button', { name: 'Speed: 1×' }).click();
      await page.getByRole('button', { name: 'Speed: 2×' }).waitFor();
      await page.screenshot({ path: `${artifacts}terminal-player-${size}-${scheme}.png` });
      expect(await violations(page)).toEqual([]);
      await seek(0);
      await eventually('the beginning', async () => !(await screenOf(page)).includes('first-42'));
      await page.getByRole('link', { name: 'Back to the terminal' }).click();
      await page.waitForURL(`**/s/${id}`);
    },
  );
});
