/** What tests of the page stand on: the program, a browser, a key and a workspace. For a describe of its own. */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromiumPath } from '@holdfast/testkit/programs.ts';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { Api } from './api.ts';
import { type Scheme, type Size, launchChromium, openPage } from './browser.ts';
import { type Installation, install } from './program.ts';

/** null: not here, and the tests are skipped. */
export const chromium = chromiumPath();
/** Where pictures go; ends with a slash. */
export const artifacts = fileURLToPath(new URL('../artifacts/', import.meta.url));

export interface ChromiumSetting {
  readonly holdfast: Installation;
  readonly api: Api;
  readonly workspaceId: string;
  /** Logged in, in a context of its own. prepare: before anything is loaded. */
  enter(
    size: Size,
    scheme: Scheme,
    prepare?: (page: Page) => Promise<void>,
  ): Promise<Awaited<ReturnType<typeof openPage>>>;
}

/** Made before the tests and ended after them; there from the first test on. */
export function chromiumSetting(workspace: string): ChromiumSetting {
  let holdfast: Installation;
  let browser: Browser;
  let api: Api;
  let workspaceId: string;

  beforeAll(async () => {
    mkdirSync(artifacts, { recursive: true });
    holdfast = await install({ model: false });
    await holdfast.start();
    browser = await launchChromium(chromium ?? '');
    api = await Api.open(holdfast);
    workspaceId = await api.workspace(workspace);
  });
  afterAll(async () => {
    await browser.close();
    await holdfast.dispose();
  });

  return {
    get holdfast() {
      return holdfast;
    },
    get api() {
      return api;
    },
    get workspaceId() {
      return workspaceId;
    },
    enter: async (size, scheme, prepare = async () => undefined) => {
      const opened = await openPage(browser, size, scheme);
      await prepare(opened.page);
      await opened.page.goto((await holdfast.run('login-link')).stdout.trim());
      await opened.page.getByRole('navigation').first().waitFor();
      return opened;
    },
  };
}
