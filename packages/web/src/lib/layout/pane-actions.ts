/** What a session's view can do with the pane it stands in. */
import { getContext, setContext } from 'svelte';
import type { Side } from './layout.ts';

export interface PaneActions {
  /** It is the one that was used last: it has the keyboard. */
  readonly active: boolean;
  /** No other pane is beside it. */
  readonly alone: boolean;
  /** A terminal in the session's workspace: in a tab of its own, beside it, or in its place. */
  openTerminal(where: 'tab' | 'here' | Side): void;
  /** Takes the pane away; the session goes on. */
  close(): void;
  /** To the session in the tab before or after. */
  step(by: -1 | 1): void;
}

const key = Symbol('pane');
export const providePane = (actions: PaneActions): PaneActions => setContext(key, actions);
export const usePane = (): PaneActions => getContext<PaneActions>(key);
