/** What a kind of session has to say for itself. The kinds there are stand in kinds.ts. */
import type { Command } from '@holdfast/protocol/command.ts';
import type { Result } from '@holdfast/protocol/error.ts';
import type { FactData } from '@holdfast/protocol/fact.ts';
import type { CreateSession } from '@holdfast/protocol/rest.ts';
import type { InventoryItem } from '@holdfast/protocol/runner.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import type { CommandContext, Decision, Draft } from './decision.ts';

/** Of session.created: what a session is made with, by its kind. */
export type KindOptions = Pick<FactData<'session.created'>, 'terminal' | 'agent'>;

/** Commands that mean the same for every kind; see decide.ts. */
type CommonCommand = 'session.rename' | 'session.stop';
export type KindCommand = Exclude<Command, { type: CommonCommand }>;

export interface Kind {
  /** A process starts with it: until it runs, the session is being created. */
  readonly startsAtOnce: boolean;
  /** At work for as long as it lives, whatever it does. */
  readonly worksWhileAlive: boolean;
  /** Something prints on it and takes keys. */
  readonly hasScreen: boolean;

  /** What a session is made with, defaults filled in. bad_request: something it needs is missing. */
  options(body: CreateSession): Result<KindOptions>;
  /** What it is called when nobody says. */
  title(body: CreateSession, workspaceName: string): string;
  /** Its part of the state, right after session.created. */
  initial(options: KindOptions): Pick<SessionState, 'terminal' | 'agent'>;
  /** What begins with it. messageId: for its first prompt, if the body has one. */
  begin(draft: Draft, body: CreateSession, messageId: string, context: CommandContext): void;
  /** An open session is asked for something. null: that is not for sessions of this kind. */
  decide(draft: Draft, command: KindCommand, context: CommandContext): Result<Decision> | null;
  /** It is about to end: what was under way in it ends first. */
  end(draft: Draft): void;
  /**
   * What is open in it is there, or is still to be begun. A process that is there speaks for itself, also one that has
   * ended: it reports that. item, startPending: see reconcile in accept.ts.
   */
  stands(state: SessionState, item: InventoryItem | null, startPending: boolean): boolean;
  /** What is open in it does not stand any more. */
  lose(draft: Draft): void;
}
