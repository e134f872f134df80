/** One agent session as the page holds it: the fold over its log, its previews, and this device's own outbox on top. */
import { foldFacts } from '@holdfast/core/client/fold.ts';
import { type Overlay, overlay } from '@holdfast/core/client/overlay.ts';
import { applyPreview } from '@holdfast/core/client/preview.ts';
import { newTranscript, type Transcript } from '@holdfast/core/client/transcript.ts';
import type { SessionHandle } from '@holdfast/link/client-interface.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { Presence } from '@holdfast/protocol/presence.ts';
import type { SessionDescriptor, TurnPhase } from '@holdfast/protocol/session.ts';
import type { Holdfast } from '#lib/state/holdfast.svelte.ts';

export class AgentSession {
  readonly sessionId: string;
  transcript: Transcript;
  /** All that was stored when the page came has been drawn. */
  synced = $state(false);
  presence: Presence = $state.raw({ people: [], more: 0 });
  refused: ErrorBody | null = $state.raw(null);
  readonly #holdfast: Holdfast;
  #handle: SessionHandle | undefined;

  constructor(holdfast: Holdfast, sessionId: string) {
    this.#holdfast = holdfast;
    this.sessionId = sessionId;
    this.transcript = $state.raw(newTranscript(sessionId));
  }

  /** Begins to follow; returns the function that ends it. */
  open(): () => void {
    this.#handle = this.#holdfast.client.openSession(
      this.sessionId,
      { after: 0 },
      {
        facts: (facts) => {
          this.transcript = foldFacts(this.transcript, facts);
        },
        preview: (preview) => {
          this.transcript = applyPreview(this.transcript, preview).transcript;
        },
        presence: (presence) => {
          this.presence = presence;
        },
        synced: () => {
          this.synced = true;
        },
        reset: () => {
          this.transcript = newTranscript(this.sessionId);
          this.synced = false;
        },
        refused: (error) => {
          this.refused = error;
        },
      },
    );
    return () => this.#handle?.close();
  }

  get descriptor(): SessionDescriptor | undefined {
    return this.#holdfast.session(this.sessionId);
  }

  readonly overlay: Overlay = $derived.by(() => overlay(this.transcript, this.sessionId, this.#holdfast.outbox()));

  /** Of the open turn; stopping also as soon as it was asked for here. null: no turn is open. */
  get phase(): TurnPhase | null {
    const { turn } = this.transcript;
    if (turn === null) return null;
    const stop = this.overlay.stop?.status;
    return stop === undefined || stop === 'failed' || stop === 'unsure' ? turn.phase : 'stopping';
  }

  /** A command of this type that is on its way from here. */
  underway(type: 'turn.resume' | 'turn.discard' | 'mode.set' | 'session.stop'): boolean {
    return this.#holdfast
      .outbox(this.sessionId)
      .some(
        (entry) => entry.command.type === type && entry.state.status !== 'failed' && entry.state.status !== 'unsure',
      );
  }
}
