/** Where commands are kept until the server has receipted them. The order is the outbox's; a storage only keeps. */
import type { KeptCommand } from '@holdfast/core/client/outbox.ts';

export interface OutboxStorage {
  /**
   * Hands over what earlier clients left behind and no living client is responsible for, now and whenever more turns
   * up. Each kept command is handed to one client only. Rejects when the storage cannot be had at all.
   */
  open(adopt: (commands: readonly KeptCommand[]) => void): Promise<void>;
  /** Durable when it resolves. Replaces the one with the same id. */
  put(command: KeptCommand): Promise<void>;
  remove(id: string): Promise<void>;
  /** Looks again for what other clients left behind. */
  rescan(): void;
  close(): Promise<void>;
}
