/** Who decides how large a terminal is: one client at a time, whoever took it last, until it is gone. Pure. */
import type { CommandType, Command } from '@holdfast/protocol/command.ts';
import { type Result, fail, ok } from '@holdfast/protocol/error.ts';
import type { Driver } from '@holdfast/protocol/presence.ts';
import type { CommandContext, Decision, Draft } from './decision.ts';

type CommandOf<T extends CommandType> = Extract<Command, { type: T }>;

/** The same client of the same person: an id that somebody else made up is somebody else. */
export function isSameClient(
  a: { readonly clientId: string; readonly id?: string | undefined } | null,
  b: { readonly clientId: string; readonly id?: string | undefined } | null,
): boolean {
  return a !== null && b !== null && a.clientId === b.clientId && a.id === b.id;
}

/** `from` makes a race of two who saw the same end with one driver and one refusal. */
export function takeDriver(draft: Draft, command: CommandOf<'driver.take'>, context: CommandContext): Result<Decision> {
  const { driver } = draft.state;
  const taker: Driver = { ...context.actor, clientId: command.clientId };
  if (isSameClient(driver, taker)) return ok(draft);
  if (command.from !== undefined && command.from !== (driver?.clientId ?? null)) return otherDrives(driver);
  draft.add({ type: 'driver.changed', data: { driver: taker }, actor: context.actor });
  return ok(draft);
}

/** Only to one who is there: nobody must come to drive without knowing. */
export function giveDriver(draft: Draft, command: CommandOf<'driver.give'>, context: CommandContext): Result<Decision> {
  const { driver } = draft.state;
  if (!isSameClient(driver, { clientId: command.clientId, id: context.actor.id })) return otherDrives(driver);
  const receiver = context.attached(command.to);
  if (receiver === null) return fail('conflict', 'That device has left.');
  if (!isSameClient(driver, receiver)) {
    draft.add({ type: 'driver.changed', data: { driver: receiver }, actor: context.actor });
  }
  return ok(draft);
}

/** null: this client may size the terminal now. */
export function sizeRefusal(
  draft: Draft,
  clientId: string | undefined,
  { actor }: CommandContext,
): Result<never> | null {
  const { driver } = draft.state;
  if (driver === null) return null;
  const asks = clientId === undefined ? null : { clientId, id: actor.id };
  return isSameClient(driver, asks) ? null : otherDrives(driver);
}

function otherDrives(driver: Driver | null): Result<never> {
  const who = driver === null ? 'Nobody' : (driver.device ?? driver.name ?? 'Another device');
  return fail('conflict', `${who} drives this terminal.`, { details: { driver } });
}
