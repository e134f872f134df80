/** Tabs and panes of the page, on a desktop and a phone. */
import { eventually } from '@holdfast/testkit/eventually.ts';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { violations } from '../support/accessibility.ts';
import type { Scheme, Size } from '../support/browser.ts';
import { artifacts, chromium, chromiumSetting } from '../support/chromium-setting.ts';

describe.skipIf(chromium === null)('tabs and panes, in Chromium (skipped without it)', () => {
  const setting = chromiumSetting('work');
  const problems: string[] = [];

  async function enter(size: Size, scheme: Scheme): Promise<Page> {
    const { page } = await setting.enter(size, scheme, async (fresh) => {
      fresh.on('pageerror', (error) => problems.push(error.message));
    });
    return page;
  }
  const terminal = (title: string): Promise<string> =>
    setting.api.create({ kind: 'terminal', workspaceId: setting.workspaceId, title });
  const paneOf = (page: Page, id: string): Locator => page.locator(`[data-testid="pane"][data-session="${id}"]`);
  const prompt = (pane: Locator): Promise<unknown> =>
    eventually('a prompt', async () => /[$#] *$/m.test(await pane.locator('.xterm-rows').innerText()), 20_000);
  const boxOf = async (pane: Locator) => (await pane.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };

  it('PAGE25, PAGE27, PAGE3: sessions in tabs, split by the menu and by dragging, typed into where it was clicked, kept over a reload', async () => {
    const [one, two, three] = [await terminal('One'), await terminal('Two'), await terminal('Three')];
    const page = await enter('desktop', 'dark');
    await page.goto(`${setting.holdfast.origin}/s/${one}`);
    await prompt(paneOf(page, one));
    const rail = page.getByRole('navigation', { name: 'Workspaces and sessions' });
    await rail.getByRole('link', { name: 'Two' }).click();
    await prompt(paneOf(page, two));
    const tabs = page.getByRole('navigation', { name: 'Open sessions' });
    expect(await tabs.getByRole('link').allInnerTexts()).toEqual([
      expect.stringContaining('One'),
      expect.stringContaining('Two'),
    ]);
    // A pane of its own beside it.
    await page.getByRole('button', { name: 'Session menu' }).click();
    await page.getByRole('menuitem', { name: 'Split right' }).click();
    await eventually('two panes', async () => (await page.getByTestId('pane').count()) === 2);
    const made = (await page.getByTestId('pane').nth(1).getAttribute('data-session')) ?? '';
    await prompt(paneOf(page, made));
    const [left, right] = [await boxOf(paneOf(page, two)), await boxOf(paneOf(page, made))];
    expect(right.x).toBeGreaterThanOrEqual(left.x + left.width);
    expect(page.url()).toContain(made);
    // Dragged from the list to the lower half of it.
    const lower = await boxOf(paneOf(page, made));
    await rail.getByRole('link', { name: 'Three' }).dragTo(paneOf(page, made), {
      targetPosition: { x: lower.width / 2, y: lower.height - 20 },
    });
    await eventually('three panes', async () => (await page.getByTestId('pane').count()) === 3);
    await prompt(paneOf(page, three));
    expect((await boxOf(paneOf(page, three))).y).toBeGreaterThan((await boxOf(paneOf(page, made))).y + 50);
    // Each is its own shell, and keys go to the one that was clicked.
    for (const [id, word] of [
      [two, 'left'],
      [three, 'lower'],
    ] as const) {
      await paneOf(page, id).getByTestId('terminal').click();
      await page.keyboard.type(`echo ${word}-$((40+2))\n`);
      await eventually(word, async () => (await paneOf(page, id).innerText()).includes(`${word}-42`));
      expect(page.url()).toContain(id);
    }
    expect(await paneOf(page, made).innerText()).not.toContain('-42');
    await page.getByRole('separator').first().focus();
    const before = (await boxOf(paneOf(page, two))).width;
    for (let press = 0; press < 5; press += 1) await page.keyboard.press('ArrowRight');
    await eventually('wider', async () => (await boxOf(paneOf(page, two))).width > before + 50);
    await page.screenshot({ path: `${artifacts}layout-desktop-dark.png` });
    expect(await violations(page)).toEqual([]);
    const here = page.url();
    await rail.getByRole('link', { name: 'Home', exact: true }).click();
    const row = page.getByRole('main').getByRole('link', { name: 'Two' });
    await eventually('what is on its screen', async () =>
      ((await row.getByTestId('thumbnail').textContent()) ?? '').includes('left-42'),
    );
    await page.screenshot({ path: `${artifacts}home-thumbnails-desktop-dark.png` });
    expect(await violations(page)).toEqual([]);
    await page.goto(here);
    await eventually('as before', async () => (await page.getByTestId('pane').count()) === 3);
    expect(await tabs.getByRole('link').count()).toBe(2);
    await paneOf(page, made).getByRole('button', { name: 'Close pane' }).click();
    await eventually('closed', async () => (await page.getByTestId('pane').count()) === 2);
    expect((await setting.api.session(made)).status).not.toBe('ended');
    await tabs.getByRole('button', { name: 'Close the tab One' }).click();
    await eventually('no strip for one tab', async () => (await tabs.count()) === 0);
    // A shell that ended is begun again in its place.
    await paneOf(page, three).getByTestId('terminal').click();
    await page.keyboard.type('exit\n');
    await paneOf(page, two).evaluate((pane) => (pane.dataset['kept'] = 'yes'));
    await page.getByRole('button', { name: 'Restart here' }).click();
    await eventually('another in its place', async () => (await paneOf(page, three).count()) === 0);
    expect(await page.getByTestId('pane').count()).toBe(2);
    // The one beside it was not drawn anew.
    expect(await paneOf(page, two).getAttribute('data-kept')).toBe('yes');
    await page.context().close();
    expect(problems).toEqual([]);
  });

  it('PAGE26: on a phone one session is shown, and a swipe goes to the next and back', async () => {
    const [one, two] = [await terminal('Four'), await terminal('Five')];
    const page = await enter('phone', 'light');
    for (const id of [one, two]) {
      await page.goto(`${setting.holdfast.origin}/s/${id}`);
      await prompt(paneOf(page, id));
    }
    const swipe = (from: number, to: number): Promise<void> =>
      page.locator('header').evaluate(
        (header, [start, end]) => {
          const touch = (x: number): Touch => new Touch({ identifier: 1, target: header, clientX: x, clientY: 20 });
          const at = { bubbles: true, changedTouches: [touch(end)] };
          header.dispatchEvent(new TouchEvent('touchstart', { bubbles: true, touches: [touch(start)] }));
          header.dispatchEvent(new TouchEvent('touchend', at));
        },
        [from, to] as const,
      );
    await swipe(100, 300);
    await prompt(paneOf(page, one));
    expect(page.url()).toContain(one);
    await swipe(300, 290);
    await swipe(300, 100);
    await prompt(paneOf(page, two));
    expect(page.url()).toContain(two);
    expect(await page.getByTestId('pane').count()).toBe(1);
    await page.screenshot({ path: `${artifacts}layout-phone-light.png` });
    await page.context().close();
    expect(problems).toEqual([]);
  });
});
