/**
 * Who is attached to one session, while their connections come and go. Pure: moments are arguments, ms of a monotonic
 * clock. A client that comes back within the grace was never gone.
 */
import { limits } from '@holdfast/protocol/limits.ts';
import type { Driver, Presence } from '@holdfast/protocol/presence.ts';

export interface Client {
  readonly clientId: string;
  readonly userId: string;
  readonly name: string;
  readonly device: string;
}

interface Attached extends Client {
  /** ISO 8601. */
  readonly since: string;
  readonly connections: number;
  /** When the last connection ended; null: there is one. */
  readonly goneAt: number | null;
}

/** In the order in which they came. */
export type Attendance = readonly Attached[];

/** A reload, or a change of connection, takes less, ms. */
export const reloadGraceMs = 5_000;

/** The same id from another person is another client. */
const isOf = (client: Pick<Client, 'clientId' | 'userId'>) => (one: Client) =>
  one.clientId === client.clientId && one.userId === client.userId;

/** One more connection of this client. since: now, ISO 8601. */
export function attach(attendance: Attendance, client: Client, since: string): Attendance {
  const index = attendance.findIndex(isOf(client));
  const known = attendance[index];
  if (known === undefined) return [...attendance, { ...client, since, connections: 1, goneAt: null }];
  return attendance.with(index, { ...known, ...client, connections: known.connections + 1, goneAt: null });
}

/** One connection of this client less. */
export function detach(attendance: Attendance, client: Client, now: number): Attendance {
  const index = attendance.findIndex(isOf(client));
  const known = attendance[index];
  if (known === undefined) return attendance;
  const connections = known.connections - 1;
  return attendance.with(index, { ...known, connections, goneAt: connections > 0 ? null : now });
}

/** Without those whose grace is over. */
export function settle(attendance: Attendance, now: number): Attendance {
  const left = attendance.filter(({ goneAt }) => goneAt === null || now - goneAt < reloadGraceMs);
  return left.length === attendance.length ? attendance : left;
}

/** When settle() will next leave somebody out; null: not before a connection ends. */
export function nextSettlement(attendance: Attendance): number | null {
  let next: number | null = null;
  for (const { goneAt } of attendance) {
    if (goneAt !== null) next = Math.min(next ?? Infinity, goneAt + reloadGraceMs);
  }
  return next;
}

/** It has a connection this very moment. */
export function isConnected(attendance: Attendance, client: Pick<Client, 'clientId' | 'userId'>): boolean {
  return attendance.some((one) => isOf(client)(one) && one.connections > 0);
}

/** What everybody is told. */
export function presenceOf(attendance: Attendance, driver: Driver | null): Presence {
  const drives = ({ clientId, userId }: Client): boolean => clientId === driver?.clientId && userId === driver.id;
  const ordered = [...attendance.filter(drives), ...attendance.filter((one) => !drives(one))];
  const people = ordered.slice(0, limits.presenceNamed).map((one) => {
    const { clientId, userId, name, device, since } = one;
    return { clientId, userId, name, device, since, drives: drives(one) };
  });
  return { people, more: attendance.length - people.length };
}
