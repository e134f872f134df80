/**
 * A4: what becomes of a tool call in each mode, for every driver. runs: nobody is asked. asks: it waits for the person.
 * refused: it does not run, and nobody is asked. An ACP agent asks by itself or not; the table is about what it asks.
 */
import type { AgentMode } from '@holdfast/protocol/session.ts';

export type Outcome = 'runs' | 'asks' | 'refused';
type Row = Readonly<Record<AgentMode, Outcome>>;

const row = (ask: Outcome, agent: Outcome, auto: Outcome): Row => ({ ask, agent, auto });
const elevated = row('refused', 'asks', 'runs');

export const modeTable = {
  'read in the workspace': { claude: row('runs', 'runs', 'runs'), acp: row('asks', 'asks', 'runs') },
  'read outside': { claude: row('asks', 'asks', 'runs'), acp: row('asks', 'asks', 'runs') },
  'edit in the workspace': { claude: elevated, acp: elevated },
  'edit outside': { claude: elevated, acp: elevated },
  // Claude Code asks nobody for a command that it knows to change nothing.
  'harmless command': { claude: row('refused', 'runs', 'runs'), acp: elevated },
  'dangerous command': { claude: elevated, acp: elevated },
  // Allowed by the person in Claude Code's own settings; those of a project do not count there.
  'command the settings allow': { claude: row('refused', 'runs', 'runs'), acp: elevated },
  'web fetch': { claude: elevated, acp: elevated },
  'MCP tool': { claude: elevated, acp: elevated },
  'sub-agent': { claude: row('runs', 'runs', 'runs'), acp: row('asks', 'asks', 'runs') },
  'command of a sub-agent': { claude: elevated, acp: elevated },
} as const satisfies Record<string, { readonly claude: Row; readonly acp: Row }>;

export type ToolTier = keyof typeof modeTable;
export const toolTiers = Object.keys(modeTable) as ToolTier[];
export const modes: readonly AgentMode[] = ['ask', 'agent', 'auto'];
