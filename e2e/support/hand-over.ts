/** Files handed to the page as a person does it: pasted, or dragged from the desktop and dropped. */
import type { Page } from 'playwright-core';

/** A picture with noise in it, as a screen is copied: pasted to whatever has the keyboard. */
export const paste = (page: Page, picture: { name: string; width: number; height: number }): Promise<void> =>
  page.evaluate(async ({ name, width, height }) => {
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('there is no canvas');
    for (let x = 0; x < width; x += 50) {
      context.fillStyle = `hsl(${(x * 7) % 360} 60% 55%)`;
      context.fillRect(x, 0, 50, height);
    }
    const data = new DataTransfer();
    data.items.add(new File([await canvas.convertToBlob({ type: 'image/png' })], name, { type: 'image/png' }));
    const target = document.activeElement ?? document.body;
    target.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
  }, picture);

/** On the first element that fits the selector. */
export async function drop(page: Page, selector: string, files: { name: string; text: string }[]): Promise<void> {
  const dataTransfer = await page.evaluateHandle((list) => {
    const data = new DataTransfer();
    for (const { name, text } of list) data.items.add(new File([text], name, { type: 'text/plain' }));
    return data;
  }, files);
  const target = page.locator(selector).first();
  for (const type of ['dragenter', 'dragover', 'drop']) await target.dispatchEvent(type, { dataTransfer });
}
