import { DatabaseSync } from 'node:sqlite';

/**
 * A connection as Holdfast wants them. `busyTimeout`: milliseconds for which a statement blocks the whole event loop
 * while another connection holds the lock.
 *
 * synchronous=full: a commit returns when it is on the disk, because an acknowledgement means durable.
 */
export function connect(path: string, busyTimeout: number): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: busyTimeout, enableForeignKeyConstraints: true });
  try {
    const mode = database.prepare('pragma journal_mode = wal').get()?.['journal_mode'];
    if (mode !== 'wal')
      throw Object.assign(new Error('its file system has no write-ahead logging'), { code: 'ENOTSUP' });
    database.exec('pragma synchronous = full');
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}
