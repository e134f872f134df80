/** Who is at a session and who drives it, in words. People are told apart by their devices; others also by name. */
import type { Attendee, Driver, Presence } from '@holdfast/protocol/presence.ts';

/** This tab and its person. */
export interface Self {
  readonly clientId: string;
  readonly userId: string;
}

export const isSelf = (one: Pick<Attendee, 'clientId' | 'userId'>, self: Self): boolean =>
  one.clientId === self.clientId && one.userId === self.userId;

export function attendeeWords(one: Pick<Attendee, 'clientId' | 'userId' | 'name' | 'device'>, self: Self): string {
  if (isSelf(one, self)) return 'You';
  return one.userId === self.userId ? one.device : `${one.name}, ${one.device}`;
}

const namedAtMost = 3;

/** "You, Chrome on Android", "You, Chrome on Android, Safari on iPad and 4 more". */
export function presenceWords({ people, more }: Presence, self: Self): string {
  const ordered = [...people.filter((one) => isSelf(one, self)), ...people.filter((one) => !isSelf(one, self))];
  const named = ordered.slice(0, namedAtMost).map((one) => attendeeWords(one, self));
  const others = ordered.length - named.length + more;
  return others === 0 ? named.join(', ') : `${named.join(', ')} and ${others} more`;
}

export function driverWords({ id = '', name = 'Somebody', device, clientId }: Driver, self: Self): string {
  return attendeeWords({ clientId, userId: id, name, device: device ?? 'another device' }, self);
}
