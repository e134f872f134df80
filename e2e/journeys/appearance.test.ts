/** Every page at phone and desktop size, light and dark: no accessibility violation; the pictures go to e2e/artifacts. */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { chromiumPath } from '@holdfast/testkit/programs.ts';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { violations } from '../support/accessibility.ts';
import { Api } from '../support/api.ts';
import { type Scheme, type Size, launchChromium, openPage } from '../support/browser.ts';
import { type Installation, install } from '../support/program.ts';

const chromium = chromiumPath();
const artifacts = fileURLToPath(new URL('../artifacts/', import.meta.url));

describe.skipIf(chromium === null)('how it looks (skipped without Chromium: apt-get install chromium)', () => {
  let holdfast: Installation;
  let browser: Browser;
  let terminalId: string;
  let agentId: string;

  beforeAll(async () => {
    mkdirSync(artifacts, { recursive: true });
    holdfast = await install();
    await holdfast.start();
    browser = await launchChromium(chromium ?? '');
    const api = await Api.open(holdfast);
    const workspaceId = await api.workspace('login-service');
    terminalId = await api.create({ kind: 'terminal', workspaceId, title: 'Build' });
    await api.fact(terminalId, 'session.started');
    await api.command(terminalId, { id: 'w', type: 'terminal.write', data: 'ls -la --color=always /\r' });
    agentId = await api.create({
      kind: 'agent',
      workspaceId,
      title: 'Fix the login bug',
      agent: { provider: 'claude', prompt: 'say I will look at the failing test first, then fix it.' },
    });
    await api.fact(agentId, 'turn.ended');
    await api.command(agentId, { id: 'm2', type: 'message.send', text: 'run git push origin feat/login' });
    await api.fact(agentId, 'approval.requested');
  });
  afterAll(async () => {
    await browser.close();
    await holdfast.dispose();
  });

  const cases = (['phone', 'desktop'] as const).flatMap((size) =>
    (['light', 'dark'] as const).map((scheme): [Size, Scheme] => [size, scheme]),
  );

  it.each(cases)('PAGE3: %s, %s: login, home, sessions, terminal, agent, new session', async (size, scheme) => {
    const { context, page, problems } = await openPage(browser, size, scheme);
    const look = async (name: string): Promise<void> => {
      await page.screenshot({ path: `${artifacts}${name}-${size}-${scheme}.png` });
      expect(await violations(page), `${name}, ${size}, ${scheme}`).toEqual([]);
    };
    await page.goto(`${holdfast.origin}/login`);
    await page.getByText('login-link').waitFor();
    await look('login');
    const link = (await holdfast.run('login-link')).stdout.trim();
    await page.goto(link);
    await page.getByTestId('approval-card').waitFor();
    await look('home');
    await page.goto(`${holdfast.origin}/s/${agentId}`);
    await page.getByTestId('approval-card').waitFor();
    await page.getByText('I will look at the failing test first, then fix it.', { exact: true }).waitFor();
    await look('agent');
    await page.goto(`${holdfast.origin}/s/${terminalId}`);
    await eventually('the listing', async () => / root +root /.test(await page.locator('.xterm-rows').innerText()));
    await look('terminal');
    await page.goto(`${holdfast.origin}/`);
    await page.getByRole('button', { name: size === 'phone' ? 'New' : 'New session', exact: true }).click();
    await page.getByRole('dialog').waitFor();
    await look('new-session');
    await page.goto(`${holdfast.origin}/more`);
    await page.getByRole('heading').first().waitFor();
    await look('more');
    expect(problems).toEqual([]);
    await context.close();
  });
});
