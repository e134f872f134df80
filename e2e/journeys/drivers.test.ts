/** One terminal on a desktop and a phone: who decides its size, and what the other one sees. */
import { eventually } from '@holdfast/testkit/eventually.ts';
import type { Page } from 'playwright-core';
import { afterEach, describe, expect, it } from 'vitest';
import { violations } from '../support/accessibility.ts';
import type { Scheme, Size } from '../support/browser.ts';
import { artifacts, chromium, chromiumSetting } from '../support/chromium-setting.ts';

const screenOf = (page: Page): Promise<string> => page.locator('.xterm-rows').innerText();
const bar = (page: Page) => page.getByTestId('driver-bar');
const drives = (page: Page): Promise<boolean> =>
  page.getByTestId('terminal').evaluate((element) => element.dataset['drives'] === 'true');

/** The terminal's grid lies inside its pane, whole. */
const whole = (page: Page): Promise<boolean> =>
  page.getByTestId('terminal').evaluate((pane) => {
    const grid = pane.querySelector('.xterm-screen')?.getBoundingClientRect();
    const room = pane.getBoundingClientRect();
    return grid !== undefined && grid.width > 0 && grid.right <= room.right + 1 && grid.bottom <= room.bottom + 1;
  });

describe.skipIf(chromium === null)('two at one terminal, in Chromium (skipped without it)', () => {
  const setting = chromiumSetting('drivers');
  let problems: string[];
  const pages: Page[] = [];

  afterEach(async () => {
    for (const page of pages.splice(0)) await page.context().close();
  });

  const open = async (size: Size, scheme: Scheme, prepare?: (page: Page) => Promise<void>): Promise<Page> => {
    const opened = await setting.enter(size, scheme, async (page) => {
      pages.push(page);
      await prepare?.(page);
    });
    problems = opened.problems;
    return opened.page;
  };
  const terminal = async (): Promise<string> => {
    const id = await setting.api.create({ kind: 'terminal', workspaceId: setting.workspaceId, title: 'Build' });
    await setting.api.fact(id, 'session.started');
    return id;
  };
  const visit = async (page: Page, id: string): Promise<void> => {
    await page.goto(`${setting.holdfast.origin}/s/${id}`);
    await eventually('a prompt', async () => /[$#] *$/m.test(await screenOf(page)));
  };
  const sizeOf = async (id: string): Promise<string> => {
    const { cols, rows } = (await setting.api.session(id)).terminal ?? { cols: 0, rows: 0 };
    return `${cols}x${rows}`;
  };
  const driverOf = async (id: string): Promise<string | null> =>
    (await setting.api.session(id)).terminal?.driver?.device ?? null;
  const type = async (page: Page, text: string): Promise<void> => {
    await page.getByTestId('terminal').click();
    await page.keyboard.type(text);
  };

  it('PAGE16, PAGE17, PAGE18, PRESENCE2, PRESENCE9, TERM7: the desktop drives, the phone watches, takes over, hands back, leaves', async () => {
    const id = await terminal();
    const desktop = await open('desktop', 'light');
    await visit(desktop, id);
    await eventually('the desktop drives', () => drives(desktop));
    await eventually('its size', async () => /^1\d\dx[3-9]\d$/.test(await sizeOf(id)));
    const large = await sizeOf(id);
    await type(desktop, 'echo from-$((40+2))-desktop\n');

    const phone = await open('phone', 'dark');
    await visit(phone, id);
    await bar(phone).getByText('Chrome on Linux drives').waitFor();
    await eventually('what was there', async () => /^from-42-desktop/m.test(await screenOf(phone)));
    await eventually('all of it is on the screen', () => whole(phone));
    await desktop.getByTestId('presence').getByText('You, Chrome on Android').waitFor();
    await type(phone, 'echo from-$((40+3))-phone\n');
    await eventually('typed on the phone', async () => /^from-43-phone/m.test(await screenOf(desktop)));
    expect([await sizeOf(id), await drives(phone), await driverOf(id)]).toEqual([large, false, 'Chrome on Linux']);
    // A program asks what its terminal is: both pages read that, one answers.
    await type(desktop, "printf '\\e[c'; cat -v\n");
    await eventually('an answer', async () => /\^\[\[\?[\d;]+c/.test(await screenOf(phone)));
    await type(phone, 'end\n');
    await eventually('one answer', async () => /^\^\[\[\?[\d;]+cend$/m.test(await screenOf(desktop)));
    await desktop.keyboard.press('Control+C');
    await phone.screenshot({ path: `${artifacts}drivers-watching-phone-dark.png` });
    expect(await violations(phone)).toEqual([]);

    await bar(phone).getByRole('button', { name: 'Take over' }).click();
    await eventually('the phone’s size', async () => /^\d\dx\d\d$/.test(await sizeOf(id)));
    await eventually('the phone drives', () => drives(phone));
    const small = await sizeOf(id);
    await bar(desktop).getByText('Chrome on Android drives').waitFor();
    await phone.screenshot({ path: `${artifacts}drivers-undo-phone-dark.png` });
    await phone.getByRole('button', { name: 'Undo' }).click();
    await eventually('handed back', async () => (await driverOf(id)) === 'Chrome on Linux');
    await eventually('the desktop’s size', async () => (await sizeOf(id)) === large);
    await bar(phone).getByText('Chrome on Linux drives').waitFor();

    await bar(phone).getByRole('button', { name: 'Take over' }).click();
    await eventually('the phone’s size again', async () => (await sizeOf(id)) === small);
    await eventually('all of it is on the desktop', () => whole(desktop));
    await desktop.screenshot({ path: `${artifacts}drivers-watching-desktop-light.png` });
    expect(await violations(desktop)).toEqual([]);
    // A soft keyboard covers half of the phone.
    await phone.evaluate(() => {
      Object.defineProperty(window.visualViewport, 'height', { configurable: true, get: () => 420 });
      window.visualViewport?.dispatchEvent(new Event('resize'));
    });
    await phone.locator('html[data-soft-keyboard]').waitFor();
    await type(phone, 'stty size\n');
    await eventually('the size the shell has', async () => {
      const [cols = '', rows = ''] = small.split('x');
      return (await screenOf(desktop)).includes(`${rows} ${cols}`);
    });
    expect(await sizeOf(id)).toBe(small);

    await phone.context().close();
    pages.pop();
    await bar(desktop).getByText('Nobody drives').waitFor({ timeout: 30_000 });
    expect(await sizeOf(id)).toBe(small);
    await type(desktop, '#');
    await eventually('the first key takes it', async () => (await sizeOf(id)) === large);
    expect(await drives(desktop)).toBe(true);
    expect(problems).toEqual([]);
  });

  it('PRESENCE8, PAGE16: kill -9 of the server: who drove drives on, and nobody’s size changes', async () => {
    const id = await terminal();
    const desktop = await open('desktop', 'dark');
    await visit(desktop, id);
    await eventually('the desktop drives', () => drives(desktop));
    await eventually('its size', async () => /^1\d\dx/.test(await sizeOf(id)));
    const phone = await open('phone', 'light');
    await visit(phone, id);
    await bar(phone).getByRole('button', { name: 'Take over' }).click();
    await eventually('the phone’s size', async () => /^\d\dx/.test(await sizeOf(id)));
    const small = await sizeOf(id);
    const changes = async (): Promise<number> =>
      (await setting.api.log(id)).filter(({ type: fact }) => fact === 'driver.changed').length;
    const before = await changes();
    await setting.holdfast.kill();
    await setting.holdfast.start();
    for (const page of [desktop, phone]) {
      await eventually('back', async () => !/reconnecting/i.test(await page.locator('body').innerText()), 30_000);
    }
    await type(phone, 'echo still-$((1+1))-here\n');
    await eventually('typed', async () => /^still-2-here/m.test(await screenOf(desktop)), 30_000);
    expect([await sizeOf(id), await driverOf(id), await changes()]).toEqual([small, 'Chrome on Android', before]);
    // The same tab after a reload is the same client.
    await phone.reload();
    await eventually('drives again', async () => (await drives(phone)) && (await whole(phone)), 20_000);
    expect(await changes()).toBe(before);
    // Nothing is left but the desktop, which was never asked.
    await bar(desktop).getByText('Chrome on Android drives').waitFor();
  });

  it('LINK9, PRESENCE2, PRESENCE6: without sockets it is the same', async () => {
    const id = await terminal();
    const desktop = await open('desktop', 'light', async (page) => {
      await page.context().routeWebSocket(/socket\.io/, (socket) => socket.close());
      await page.context().route('**/socket.io/**', (route) => route.abort());
    });
    await visit(desktop, id);
    await eventually('the desktop drives', () => drives(desktop), 20_000);
    await eventually('its size', async () => /^1\d\dx/.test(await sizeOf(id)));
    const phone = await open('phone', 'light');
    await visit(phone, id);
    await desktop.getByTestId('presence').getByText('You, Chrome on Android').waitFor();
    await bar(phone).getByRole('button', { name: 'Take over' }).click();
    await bar(desktop).getByText('Chrome on Android drives').waitFor();
    await eventually('the phone’s size', async () => /^\d\dx/.test(await sizeOf(id)));
    await bar(desktop).getByRole('button', { name: 'Take over' }).click();
    await eventually('the desktop’s size', async () => /^1\d\dx/.test(await sizeOf(id)));
    await bar(phone).getByText('Chrome on Linux drives').waitFor();
  });
});
