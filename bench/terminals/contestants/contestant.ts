/** What is compared: something that brings a program in a PTY to a client over a connection. */

import type { Resources } from '@holdfast/cli/resources.ts';

/** Where a client finds one terminal; plain data, so that a client can be in another process. */
export type Address =
  | { readonly kind: 'raw'; readonly port: number; readonly command: readonly string[] }
  | { readonly kind: 'ttyd'; readonly port: number; readonly path: string }
  | { readonly kind: 'holdfast'; readonly port: number; readonly key: string; readonly sessionId: string };

export interface TerminalEvents {
  /** What the program wrote, as it comes; must not be kept. A screen that replaces what was there comes this way too. */
  output(bytes: Buffer): void;
  /** The connection has ended, not by close(). */
  closed?(): void;
}

export interface TerminalClient {
  write(text: string): void;
  close(): void;
}

/** A contestant that runs. */
export interface Host {
  /** Of everything that belongs to the contestant, not of the programs in its terminals. */
  pids(): number[];
  /** A terminal in which `script` (a file for bash) runs from the first client on at the latest. */
  terminal(script: string): Promise<Address>;
  /** Several clients can be at one terminal, and find it again. */
  readonly shared: boolean;
  /** A terminal runs without any client. */
  readonly unattended: boolean;
  /**
   * kill -9 of what faces the clients, then its start (`begun` is called when that begins), until it says that it is
   * there. null: what runs in its terminals does not live through that.
   */
  readonly restart: ((begun: () => void) => Promise<void>) | null;
  /** Seconds of a start after everything of it was ended; the host is of no more use. null: nothing to start. */
  readonly coldStart: (() => Promise<{ first: number; ready?: number }>) | null;
}

export interface Contestant {
  readonly name: string;
  /** Why it is not in this run; null: it is. */
  readonly missing: string | null;
  /** What it starts is `owner`'s to end from the moment it runs. */
  start(owner: Resources): Promise<Host>;
}

export const size = { columns: 80, rows: 24 } as const;
