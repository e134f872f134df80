import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromiumPath } from '@holdfast/testkit/programs.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { launchChromium, openPage } from '../support/browser.ts';
import { type Installation, install } from '../support/program.ts';

const chromium = chromiumPath();
const artifacts = fileURLToPath(new URL('../artifacts/', import.meta.url));

let holdfast: Installation;
let api: Api;
let workspaceId: string;

beforeAll(async () => {
  mkdirSync(artifacts, { recursive: true });
  holdfast = await install({ model: false });
  await holdfast.start();
  api = await Api.open(holdfast);
  workspaceId = await api.workspace('near');
});
afterAll(async () => {
  await holdfast.dispose();
});

const demo = (prompt: string) =>
  api.create({ kind: 'agent', workspaceId, title: prompt, agent: { provider: 'demo', prompt } });
const completed = (id: string) => api.fact(id, 'turn.ended', (data) => data.outcome === 'completed');

describe.skipIf(chromium === null)('the card (skipped without Chromium: apt-get install chromium)', () => {
  it('APPR7, APPR8, APPR9: edited before it runs, allowed by a rule that is taken back, several at once', async () => {
    const browser = await launchChromium(chromium ?? '');
    try {
      const { page, problems } = await openPage(browser, 'phone', 'light');
      await page.goto((await holdfast.run('login-link')).stdout.trim());
      await page.getByRole('link', { name: 'Inbox' }).waitFor();
      const id = await demo('run echo asked > made.txt; cat made.txt');
      await page.goto(`${holdfast.origin}/s/${id}`);
      const card = page.getByTestId('approval-card');
      await card.getByRole('button', { name: 'Edit…' }).click();
      await card.getByRole('textbox', { name: 'Command' }).fill('echo edited > made.txt; cat made.txt');
      await page.screenshot({ path: `${artifacts}approval-edit-phone-light.png` });
      await card.getByRole('button', { name: 'Allow as edited' }).click();
      await page.getByText(/Allowed, edited by/).waitFor();
      await completed(id);
      expect(readFileSync(join(holdfast.workspaces, 'near/made.txt'), 'utf8')).toBe('edited\n');

      const ruled = await demo('run git status');
      await page.goto(`${holdfast.origin}/s/${ruled}`);
      await card.getByRole('button', { name: 'Allow for longer' }).click();
      await page.getByRole('menuitem', { name: /By rule/ }).click();
      await card.getByText('run: git status …').click();
      await page.screenshot({ path: `${artifacts}approval-rule-phone-light.png` });
      await card.getByRole('button', { name: 'Allow and keep the rule' }).click();
      await completed(ruled);
      const again = await demo('run git status --short');
      await completed(again);
      const answered = (await api.log(again)).find((fact) => fact.type === 'approval.answered');
      expect(answered?.actor).toMatchObject({
        kind: 'system',
        name: expect.stringContaining('git status …') as string,
      });
      await page.goto(`${holdfast.origin}/more/rules`);
      await page.getByTestId('rule').getByText('run: git status …').waitFor();
      await page.screenshot({ path: `${artifacts}rules-phone-light.png` });
      await page.getByRole('button', { name: /Take back/ }).click();
      await page.getByText('There are none').waitFor();

      const both = [await demo('run touch one.txt'), await demo('run touch two.txt')];
      for (const one of both) await api.fact(one, 'approval.requested');
      await page.goto(`${holdfast.origin}/inbox`);
      await page.getByRole('button', { name: 'Allow all 2 shown…' }).click();
      await page.screenshot({ path: `${artifacts}allow-all-phone-light.png` });
      await page.getByRole('button', { name: 'Allow 2', exact: true }).click();
      for (const one of both) await completed(one);
      expect(problems).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
