import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

const strict = sql`strict`;
/** For tables read by ranges of their key: rows lie in the order of the key, without a second tree. */
const strictByKey = sql`strict, without rowid`;

async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  await schema
    .createTable('workspaces')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('path', 'text', (column) => column.notNull())
    .addColumn('runner_id', 'text', (column) => column.notNull())
    .addColumn('owner_id', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .modifyEnd(strict)
    .execute();

  // No foreign key to workspaces: a session that ended outlives its workspace.
  await schema
    .createTable('sessions')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('workspace_id', 'text', (column) => column.notNull())
    .addColumn('owner_id', 'text', (column) => column.notNull())
    .addColumn('runner_id', 'text', (column) => column.notNull())
    .addColumn('title', 'text', (column) => column.notNull())
    .addColumn('title_folded', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('last_activity_at', 'text', (column) => column.notNull())
    .addColumn('last_seq', 'integer', (column) => column.notNull())
    .addColumn('oldest_seq', 'integer', (column) => column.notNull())
    .addColumn('pinned', 'integer', (column) => column.notNull())
    .addColumn('archived', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .modifyEnd(strict)
    .execute();
  await schema.createIndex('sessions_by_activity').on('sessions').columns(['last_activity_at', 'id']).execute();
  await schema
    .createIndex('sessions_by_owner')
    .on('sessions')
    .columns(['owner_id', 'last_activity_at', 'id'])
    .execute();
  await schema.createIndex('sessions_by_workspace').on('sessions').columns(['workspace_id', 'status']).execute();
  await schema.createIndex('sessions_by_runner').on('sessions').columns(['runner_id', 'status']).execute();

  await schema
    .createTable('facts')
    .addColumn('session_id', 'text', (column) => column.notNull().references('sessions.id').onDelete('cascade'))
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('at', 'text', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('actor', 'text')
    .addColumn('data', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('facts_key', ['session_id', 'seq'])
    .modifyEnd(strictByKey)
    .execute();

  await schema
    .createTable('receipts')
    .addColumn('scope', 'text', (column) => column.notNull())
    .addColumn('command_id', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text', (column) => column.notNull())
    .addColumn('session_id', 'text', (column) => column.notNull())
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('receipts_key', ['scope', 'command_id'])
    .modifyEnd(strictByKey)
    .execute();

  await schema
    .createTable('sources')
    .addColumn('session_id', 'text', (column) => column.notNull().references('sessions.id').onDelete('cascade'))
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('position', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('sources_key', ['session_id', 'source'])
    .modifyEnd(strictByKey)
    .execute();

  // autoincrement: an id is never given twice, also after the delivery was done and its row removed.
  await schema
    .createTable('deliveries')
    .addColumn('id', 'integer', (column) => column.primaryKey().autoIncrement())
    .addColumn('runner_id', 'text', (column) => column.notNull())
    .addColumn('session_id', 'text', (column) => column.notNull().references('sessions.id').onDelete('cascade'))
    .addColumn('instruction', 'text', (column) => column.notNull())
    .modifyEnd(strict)
    .execute();
  await schema.createIndex('deliveries_by_runner').on('deliveries').columns(['runner_id', 'id']).execute();
  await schema.createIndex('deliveries_by_session').on('deliveries').columns(['session_id']).execute();

  await schema
    .createTable('approvals')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('session_id', 'text', (column) => column.notNull().references('sessions.id').onDelete('cascade'))
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('requested_at', 'text', (column) => column.notNull())
    .addColumn('approval', 'text', (column) => column.notNull())
    .modifyEnd(strict)
    .execute();
  await schema.createIndex('approvals_by_status').on('approvals').columns(['status', 'requested_at', 'id']).execute();
  await schema.createIndex('approvals_by_session').on('approvals').columns(['session_id']).execute();

  await schema
    .createTable('screens')
    .addColumn('session_id', 'text', (column) =>
      column.primaryKey().notNull().references('sessions.id').onDelete('cascade'),
    )
    .addColumn('screen', 'text', (column) => column.notNull())
    .modifyEnd(strict)
    .execute();
}

export const initial: Migration = { up };
