/** What a person is shown on a device, from now on: each status of its connection, and all that is said to be wrong. */
import type { Device } from './device.ts';

export class Shown {
  readonly statuses = new Set<string>();
  readonly complaints = new Set<string>();

  /** typesInto: terminals. */
  constructor({ client }: Device, typesInto: readonly string[] = []) {
    client.connection.subscribe(({ status }) => void this.statuses.add(status));
    client.notices.subscribe((notices) => notices.forEach(({ message }) => this.complaints.add(message)));
    client.outbox.subscribe((entries) => {
      for (const { command, state } of entries) {
        if (state.status !== 'failed' && state.status !== 'unsure') continue;
        // That another device was first is said, and right.
        if (command.type === 'approval.answer' && state.error.kind === 'already_answered') continue;
        this.complaints.add(`${command.type} ${state.status}: ${state.error.message}`);
      }
    });
    for (const id of typesInto) {
      client.input(id).status.subscribe(({ error }) => {
        if (error !== null) this.complaints.add(`keys: ${error.message}`);
      });
    }
  }
}
