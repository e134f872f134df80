/** What an agent says about its tool calls → what the log says about them. Pure. */
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { cutInput, cutText } from '../cut-text.ts';
import { sessionGrant } from '../session-grant.ts';
import { unifiedPatch } from './patch.ts';
import { toolCallIdOf } from './permission.ts';
import type { Tool } from './state.ts';
import type { ToolUpdate } from './wire.ts';

/** The tool with what an update adds; before: undefined for one not seen so far. */
export function toolWith(before: Tool | undefined, update: ToolUpdate, at: number): Tool {
  const base: Tool = before ?? {
    toolCallId: toolCallIdOf(update.toolCallId),
    tool: 'tool',
    kind: 'other',
    title: '',
    output: '',
    diff: null,
    seenAt: at,
    startedAt: null,
    finishedAt: null,
  };
  const kind = update.kind ?? base.kind;
  const named = update.name ?? (base.tool === 'tool' ? update.kind : undefined);
  const output = outputOf(update);
  return {
    ...base,
    kind,
    tool: (named ?? base.tool).slice(0, 200) || 'tool',
    title: (update.title ?? base.title).slice(0, 2_000),
    output: output === undefined ? base.output : cutText(output).text,
    diff: diffOf(update) ?? base.diff,
  };
}

/** A call is worth a line once it is known what it does; agents announce some before that. */
export function isTelling(update: ToolUpdate): boolean {
  return (
    (update.status !== undefined && update.status !== 'pending') ||
    Object.keys(inputOf(update)).length > 0 ||
    diffOf(update) !== null
  );
}

export const isFinal = (update: ToolUpdate): boolean => update.status === 'completed' || update.status === 'failed';

export function toolStarted(tool: Tool, update: ToolUpdate, turnId: string): FactDraft {
  return {
    type: 'tool.started',
    data: {
      toolCallId: tool.toolCallId,
      turnId,
      tool: tool.tool,
      title: tool.title === '' ? tool.tool : tool.title,
      input: inputOf(update),
    },
  };
}

export function toolFinished(
  tool: Tool,
  update: ToolUpdate,
  /** What it is when it did not succeed. */
  failure: 'denied' | 'stopped' | 'failed',
): FactDraft {
  const whole = outputOf(update);
  return {
    type: 'tool.finished',
    data: {
      toolCallId: tool.toolCallId,
      outcome: update.status === 'completed' ? 'succeeded' : failure,
      output: cutText(whole ?? tool.output),
      ...(tool.diff === null ? {} : { diff: tool.diff }),
    },
  };
}

/** For a person to look at: the agent's raw input, and the change it would make. At most 64 KiB. */
export function inputOf(update: ToolUpdate): Record<string, unknown> {
  const raw = update.rawInput;
  const isRecord = typeof raw === 'object' && raw !== null && !Array.isArray(raw);
  const input: Record<string, unknown> = isRecord
    ? { ...raw }
    : raw === undefined || raw === null
      ? {}
      : { input: raw };
  const path = update.locations?.[0]?.path;
  if (Object.keys(input).length === 0 && path !== undefined) input['path'] = path;
  return cutInput(input);
}

/** A command without words of its own is known by its title. */
export function grantOf(tool: Tool, { rawInput }: ToolUpdate): string {
  const input = typeof rawInput === 'object' && rawInput !== null ? (rawInput as Record<string, unknown>) : {};
  const named = tool.kind === 'execute' && input['command'] === undefined ? { command: tool.title } : input;
  return sessionGrant(tool.tool, named);
}

/** undefined: the update says nothing about it. */
function outputOf(update: ToolUpdate): string | undefined {
  const texts = (update.content ?? []).flatMap(({ type, content }) => {
    if (type !== 'content' || content === undefined) return [];
    if (content.type === 'image' || content.type === 'audio') return [`[${content.type}]`];
    return content.text ?? content.resource?.text ?? [];
  });
  if (texts.length > 0) return texts.join('\n');
  const raw = update.rawOutput;
  if (raw === undefined || raw === null || !isFinal(update)) return undefined;
  return typeof raw === 'string' ? raw : JSON.stringify(raw, null, 2);
}

/** All files of the update in one patch, under the first one's path. */
export function diffOf(update: ToolUpdate): { path: string; patch: string } | null {
  const patches = (update.content ?? []).flatMap(({ type, path, oldText, newText }) =>
    type === 'diff' && path !== undefined && newText !== undefined
      ? [{ path: path.slice(0, limits.pathLength), patch: unifiedPatch(path, oldText ?? null, newText) }]
      : [],
  );
  const first = patches[0];
  return first === undefined
    ? null
    : { path: first.path, patch: cutText(patches.map(({ patch }) => patch).join('')).text };
}

/** Bounded: of very many calls in one turn the oldest are forgotten. */
const toolsKept = 1_000;

export function putTool(tools: readonly Tool[], tool: Tool): Tool[] {
  const at = tools.findIndex((other) => other.toolCallId === tool.toolCallId);
  return at === -1 ? [...tools, tool].slice(-toolsKept) : tools.with(at, tool);
}
