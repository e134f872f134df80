/**
 * Forward only. The name is the moment it was written (UTC) and what it does; it is recorded in the database, so it is
 * never changed, and neither is a migration that was released.
 */
import type { Migration } from 'kysely/migration';
import { initial } from './migrations/20261121104830-initial.ts';
import { retention } from './migrations/20261121121300-retention.ts';
import { approvalRules } from './migrations/20261124140000-approval-rules.ts';
import { usageInState } from './migrations/20261124150000-usage-in-state.ts';

export const migrations: Readonly<Record<string, Migration>> = {
  '20261121104830-initial': initial,
  '20261121121300-retention': retention,
  '20261124140000-approval-rules': approvalRules,
  '20261124150000-usage-in-state': usageInState,
};
