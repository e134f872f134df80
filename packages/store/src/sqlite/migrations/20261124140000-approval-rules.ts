import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What people have allowed in advance. */
async function up({ schema }: Kysely<unknown>): Promise<void> {
  await schema
    .createTable('approval_rules')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('owner_id', 'text', (column) => column.notNull())
    .addColumn('workspace_id', 'text')
    .addColumn('expires_at', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('rule', 'text', (column) => column.notNull())
    .modifyEnd(sql`strict`)
    .execute();
  await schema
    .createIndex('approval_rules_by_owner')
    .on('approval_rules')
    .columns(['owner_id', 'created_at'])
    .execute();
  await schema.createIndex('approval_rules_by_workspace').on('approval_rules').columns(['workspace_id']).execute();
}

export const approvalRules: Migration = { up };
