import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** What axe finds, one line each; the terminal's own cells are the program's colours, not ours. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: injected } = globalThis as unknown as {
      axe: { run(context: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const found = await injected.run({ exclude: [['.xterm-screen']] });
    return found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' | ')}`);
  });
}
