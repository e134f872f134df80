/** Exported sessions as the text of a file, in parts as they are read. */
import type { ExportLine } from '@holdfast/protocol/export.ts';
import {
  emptyMarkdown,
  factMarkdown,
  headMarkdown,
  screenMarkdown,
} from '@holdfast/core/export/transcript-markdown.ts';
import type { ExportedSession } from '../application/exports.ts';

type Text = AsyncGenerator<string>;

/** sessionExportSchema. */
export async function* jsonOf({ head, facts }: ExportedSession): Text {
  // The facts come last, however long they are.
  yield `${JSON.stringify(head).slice(0, -1)},"facts":[`;
  let before = '\n';
  for await (const page of facts) {
    for (const fact of page) {
      yield before + JSON.stringify(fact);
      before = ',\n';
    }
  }
  yield '\n]}\n';
}

export async function* markdownOf({ head, facts }: ExportedSession): Text {
  yield headMarkdown(head);
  let state = emptyMarkdown;
  for await (const page of facts) {
    for (const fact of page) {
      const step = factMarkdown(state, fact);
      state = step.state;
      yield step.text;
    }
  }
  if (head.screen !== undefined) yield screenMarkdown(head.screen.text);
}

/** A line each: exportLineSchema. */
export async function* linesOf(sessions: AsyncIterable<ExportedSession>): Text {
  const line = (value: ExportLine): string => `${JSON.stringify(value)}\n`;
  let count = 0;
  for await (const { head, facts } of sessions) {
    yield line({ type: 'session', ...head });
    for await (const page of facts) {
      for (const fact of page) yield line({ type: 'fact', sessionId: head.session.id, fact });
    }
    count += 1;
  }
  yield line({ type: 'end', sessions: count });
}

export async function* documentOf(sessions: AsyncIterable<ExportedSession>): Text {
  let count = 0;
  for await (const session of sessions) {
    if (count > 0) yield '\n---\n\n';
    yield* markdownOf(session);
    count += 1;
  }
  yield `\n---\n\n${count === 1 ? '1 session' : `${count} sessions`}; the export is complete.\n`;
}

/** Joined to parts that are worth a packet each. */
export async function* joined(parts: AsyncIterable<string>, atLeast = 64 * 1024): Text {
  let text = '';
  for await (const part of parts) {
    text += part;
    if (text.length < atLeast) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}
