/** Who decides the size of the terminal that is attached, and this process's part in that: as the page does it. Pure. */
import { isSameClient } from '@holdfast/core/session/driver.ts';
import type { Driver } from '@holdfast/protocol/presence.ts';

export interface Size {
  readonly cols: number;
  readonly rows: number;
}

export interface Driving {
  readonly me: { readonly clientId: string; readonly id: string };
  /** As the log says. */
  readonly driver: Driver | null;
  /** Of the terminal in which this runs. */
  readonly size: Size;
  /** A take of this process is on its way. */
  readonly taking: boolean;
}

export type DrivingEvent =
  | { readonly type: 'driver'; readonly driver: Driver | null }
  /** All that was stored has been read. take: also from another. */
  | { readonly type: 'attached'; readonly take: boolean }
  | { readonly type: 'size'; readonly size: Size }
  /** Somebody types here. */
  | { readonly type: 'key' }
  /** The take was answered; the log says what became of it. */
  | { readonly type: 'settled' };

export type DrivingEffect =
  { readonly type: 'take'; readonly from: string | null } | { readonly type: 'resize'; readonly size: Size };

export const drives = ({ driver, me }: Driving): boolean => isSameClient(driver, me);

export function stepDriving(
  state: Driving,
  event: DrivingEvent,
): { state: Driving; effects: readonly DrivingEffect[] } {
  switch (event.type) {
    case 'driver': {
      const next = { ...state, driver: event.driver };
      return { state: next, effects: drives(next) && !drives(state) ? [{ type: 'resize', size: next.size }] : [] };
    }
    case 'attached':
      return state.driver === null || (event.take && !drives(state)) ? take(state) : { state, effects: [] };
    case 'size': {
      const next = { ...state, size: event.size };
      return { state: next, effects: drives(next) ? [{ type: 'resize', size: event.size }] : [] };
    }
    case 'key':
      return state.driver === null ? take(state) : { state, effects: [] };
    case 'settled':
      return { state: { ...state, taking: false }, effects: [] };
  }
}

function take(state: Driving): { state: Driving; effects: readonly DrivingEffect[] } {
  if (state.taking) return { state, effects: [] };
  return { state: { ...state, taking: true }, effects: [{ type: 'take', from: state.driver?.clientId ?? null }] };
}
