import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What limits count, and what retention goes by. */
async function up(database: Kysely<unknown>): Promise<void> {
  const { schema } = database;
  // Right again with the next write of a session whose turn is open now.
  await schema
    .alterTable('sessions')
    .addColumn('turn_open', 'integer', (column) => column.notNull().defaultTo(0))
    .execute();
  await schema
    .createIndex('sessions_in_use')
    .on('sessions')
    .columns(['owner_id', 'turn_open', 'status', 'kind', 'archived'])
    .execute();

  // Receipts that were there before count as made now: none is forgotten too early.
  await schema
    .alterTable('receipts')
    .addColumn('at', 'text', (column) => column.notNull().defaultTo(''))
    .execute();
  await (database as Kysely<{ receipts: { at: string } }>)
    .updateTable('receipts')
    .set({ at: new Date().toISOString() })
    .execute();
}

export const retention: Migration = { up };
