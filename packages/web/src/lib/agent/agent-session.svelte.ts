/**
 * One agent session as the page holds it: what was read of its log, newest part first, its previews, and this device's
 * own outbox on top.
 */
import { untrack } from 'svelte';
import { type LogView, viewOfTail, withNewer, withOlder } from '@holdfast/core/client/log-view.ts';
import { type Overlay, overlay } from '@holdfast/core/client/overlay.ts';
import { applyPreview } from '@holdfast/core/client/preview.ts';
import { newTranscript, type Transcript } from '@holdfast/core/client/transcript.ts';
import type { SessionHandle, SessionSink } from '@holdfast/link/client-interface.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { Presence } from '@holdfast/protocol/presence.ts';
import type { SessionDescriptor, TurnPhase } from '@holdfast/protocol/session.ts';
import type { Holdfast } from '#lib/state/holdfast.svelte.ts';
import { type OlderState, olderState } from './older-state.ts';

/** Facts in one step back. */
const olderFacts = 200;

export class AgentSession {
  readonly sessionId: string;
  /** All that was stored when the page came has been drawn. */
  synced = $state(false);
  /** Grows when what is shown was replaced by the newest part of the log. */
  replaced = $state(0);
  presence: Presence = $state.raw({ people: [], more: 0 });
  refused: ErrorBody | null = $state.raw(null);
  readonly #holdfast: Holdfast;
  readonly #nothing: Transcript;
  /** null: nothing has come yet. */
  #view: LogView | null = $state.raw(null);
  #loadingOlder = $state(false);
  #wentBack = $state(false);
  #olderError: ErrorBody | null = $state.raw(null);
  #handle: SessionHandle | undefined;

  constructor(holdfast: Holdfast, sessionId: string) {
    this.#holdfast = holdfast;
    this.sessionId = sessionId;
    this.#nothing = newTranscript(sessionId);
  }

  /** Begins to follow; returns the function that ends it. */
  open(): () => void {
    const sink = {
      presence: (presence) => {
        this.presence = presence;
      },
      reset: (tail) => {
        this.#view = viewOfTail(this.sessionId, tail);
        this.#olderError = null;
        this.#wentBack = false;
        this.replaced += 1;
        this.synced = false;
      },
      facts: (facts) => {
        if (this.#view !== null) this.#view = withNewer(this.#view, facts);
      },
      preview: (preview) => {
        if (this.#view === null) return;
        this.#view = { ...this.#view, transcript: applyPreview(this.#view.transcript, preview).transcript };
      },
      synced: () => {
        this.synced = true;
      },
      refused: (error) => {
        this.refused = error;
      },
    } satisfies SessionSink;
    const after = untrack(() => this.#view)?.transcript.lastSeq ?? null;
    this.#handle = this.#holdfast.client.openSession(this.sessionId, { after }, sink);
    return () => this.#handle?.close();
  }

  get transcript(): Transcript {
    return this.#view?.transcript ?? this.#nothing;
  }

  /** What there is before the first thing shown. */
  readonly older: OlderState = $derived.by(() =>
    olderState(this.#view, {
      wentBack: this.#wentBack,
      loading: this.#loadingOlder,
      error: this.#olderError,
      connected: this.#holdfast.connected,
    }),
  );

  /** One step back; what came meanwhile stays. Does nothing where there is nothing, or while it is loading. */
  async loadOlder(): Promise<void> {
    const before = this.#view?.from;
    if (before === undefined || !this.older.canLoad) return;
    this.#loadingOlder = true;
    this.#olderError = null;
    const page = await this.#holdfast.rest.events(this.sessionId, { before, limit: olderFacts });
    this.#loadingOlder = false;
    if (!page.ok) this.#olderError = page.error;
    else if (this.#view?.from === before) {
      this.#wentBack = true;
      this.#view = withOlder(this.#view, { facts: page.value.events, oldestSeq: page.value.oldestSeq });
    }
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
