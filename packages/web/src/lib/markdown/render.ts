/** Markdown an agent wrote, as HTML that can do nothing: no script, no style, no form, nothing fetched from elsewhere. */
import createDOMPurify, { type Config } from 'dompurify';
import { Marked } from 'marked';

const markdown = new Marked({ gfm: true, breaks: false, async: false });

const allowed: Config = {
  USE_PROFILES: { html: true },
  FORBID_TAGS: ['img', 'picture', 'audio', 'video', 'source', 'style', 'form', 'input', 'button', 'textarea', 'select'],
  FORBID_ATTR: ['style', 'id', 'name'],
};

let purifier: ReturnType<typeof createDOMPurify> | undefined;

function purify(html: string): string {
  if (purifier === undefined) {
    purifier = createDOMPurify(window);
    purifier.addHook('afterSanitizeAttributes', (node) => {
      if (node.tagName !== 'A') return;
      node.setAttribute('target', '_blank');
      node.setAttribute('rel', 'noopener noreferrer');
    });
  }
  return purifier.sanitize(html, allowed);
}

export const renderMarkdown = (text: string): string => purify(markdown.parse(text) as string);
