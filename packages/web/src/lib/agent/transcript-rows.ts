/** How a transcript is laid out: items one by one, and finished runs of tool calls as one row. */
import type { ToolCallItem, TranscriptItem } from '@holdfast/core/client/transcript-item.ts';

export type TranscriptRow =
  | { readonly type: 'item'; readonly key: string; readonly item: TranscriptItem }
  | { readonly type: 'run'; readonly key: string; readonly tools: readonly ToolCallItem[] };

/** Shorter runs stay as they are. */
const shortestRun = 4;

/** Runs fold when their turn is over, so that nothing moves while it works. openTurnId: the turn that still runs. */
export function transcriptRows(items: readonly TranscriptItem[], openTurnId: string | null): TranscriptRow[] {
  const rows: TranscriptRow[] = [];
  let run: ToolCallItem[] = [];
  const flush = (): void => {
    const first = run[0];
    if (first !== undefined && run.length >= shortestRun)
      rows.push({ type: 'run', key: `run:${first.key}`, tools: run });
    else rows.push(...run.map((item) => ({ type: 'item', key: item.key, item }) as const));
    run = [];
  };
  for (const item of items) {
    const folds = item.type === 'tool' && item.turnId !== openTurnId && item.state !== 'running';
    if (folds) run.push(item);
    else {
      flush();
      rows.push({ type: 'item', key: item.key, item });
    }
  }
  flush();
  return rows;
}

/** "Bash 3 · Read 2", most used first. */
export function runWords(tools: readonly ToolCallItem[]): string {
  const counts = new Map<string, number>();
  for (const { tool } of tools) counts.set(tool, (counts.get(tool) ?? 0) + 1);
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([tool, number]) => (number === 1 ? tool : `${tool} ${number}`))
    .join(' · ');
}
