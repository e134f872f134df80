/** One real browser tab: what it types reaches its session once, and it can be killed as the system kills a tab. */
import { type Browser, type BrowserContext, type Page } from 'playwright-core';
import { launchChromium, openPage } from '../../support/browser.ts';

/** For anything the page is asked to do: it shares the machine with all that is killed and started again, ms. */
const patienceMs = 120_000;

export class Tab {
  readonly #browser: Browser;
  readonly #context: BrowserContext;
  readonly #address: string;
  #page: Page;

  private constructor(browser: Browser, context: BrowserContext, page: Page, address: string) {
    this.#browser = browser;
    this.#context = context;
    this.#page = page;
    this.#address = address;
  }

  /** loginLink works once; address: the session's page. */
  static async open(executable: string, loginLink: string, address: string): Promise<Tab> {
    const browser = await launchChromium(executable);
    const { context, page } = await openPage(browser, 'desktop', 'light');
    context.setDefaultTimeout(patienceMs);
    await page.goto(loginLink);
    await page.getByTestId('connection').waitFor({ state: 'attached' });
    const tab = new Tab(browser, context, page, address);
    await page.goto(address);
    await tab.ready();
    return tab;
  }

  /** Connected and up to date. */
  async ready(): Promise<void> {
    await this.#page.getByTestId('connection').and(this.#page.locator('[data-status="live"]')).waitFor({
      state: 'attached',
      timeout: patienceMs,
    });
  }

  async say(text: string): Promise<void> {
    const box = this.#page.getByTestId('composer').getByRole('textbox');
    await box.fill(text);
    await box.press('Enter');
  }

  /** kill -9 of the tab's process; then the person opens the page again. */
  async kill(): Promise<void> {
    const session = await this.#browser.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    const crashed = this.#page.waitForEvent('crash');
    for (const { id, type } of processInfo) if (type === 'renderer') process.kill(id, 'SIGKILL');
    await crashed;
    await session.detach();
  }

  async reopen(): Promise<void> {
    const dead = this.#page;
    this.#page = await this.#context.newPage();
    // Closing a page that crashed may never be answered (seen: an hour), and nothing waits for it.
    dead.close().catch(() => undefined);
    await this.#page.goto(this.#address);
    await this.ready();
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}
