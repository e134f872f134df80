/** The tables, as every engine has them. JSON is text in all of them: no engine reorders or refuses what was stored. */
import type { Generated, Selectable } from 'kysely';

/** 0 or 1: the one spelling of a boolean that every engine shares. */
export type Flag = 0 | 1;

interface WorkspaceTable {
  id: string;
  name: string;
  path: string;
  runner_id: string;
  owner_id: string;
  created_at: string;
}

interface SessionTable {
  id: string;
  kind: string;
  workspace_id: string;
  owner_id: string;
  runner_id: string;
  title: string;
  /** The title as it is searched: lower case in every script, which no engine's lower() promises. */
  title_folded: string;
  status: string;
  created_at: string;
  last_activity_at: string;
  last_seq: number;
  oldest_seq: number;
  pinned: Flag;
  archived: Flag;
  turn_open: Flag;
  /** JSON. */
  state: string;
}

interface FactTable {
  session_id: string;
  seq: number;
  at: string;
  type: string;
  /** JSON, or null when the fact names nobody. */
  actor: string | null;
  /** JSON. */
  data: string;
}

interface ReceiptTable {
  /** A session's id, or `owner:<id>` for the Idempotency-Keys of that owner; no session id contains a colon. */
  scope: string;
  command_id: string;
  fingerprint: string;
  /** May name a session that was deleted since. */
  session_id: string;
  seq: number;
  at: string;
}

interface SourceTable {
  session_id: string;
  source: string;
  /** Last position stored. */
  position: number;
}

interface DeliveryTable {
  /** Given by the engine, growing, never given twice. */
  id: Generated<number>;
  runner_id: string;
  session_id: string;
  /** JSON. */
  instruction: string;
}

interface ApprovalTable {
  id: string;
  session_id: string;
  status: string;
  requested_at: string;
  /** JSON of the whole approval; the columns above repeat what is searched. */
  approval: string;
}

interface ApprovalRuleTable {
  id: string;
  owner_id: string;
  /** null: everywhere. No foreign key, as with sessions; a workspace that is deleted takes its rules along. */
  workspace_id: string | null;
  expires_at: string | null;
  created_at: string;
  /** JSON of the whole rule; the columns above repeat what is searched. */
  rule: string;
}

interface ScreenTable {
  session_id: string;
  /** JSON. */
  screen: string;
}

export interface Schema {
  workspaces: WorkspaceTable;
  sessions: SessionTable;
  facts: FactTable;
  receipts: ReceiptTable;
  sources: SourceTable;
  deliveries: DeliveryTable;
  approvals: ApprovalTable;
  approval_rules: ApprovalRuleTable;
  screens: ScreenTable;
}

export type WorkspaceRecord = Selectable<WorkspaceTable>;
export type SessionRecord = Selectable<SessionTable>;
