/**
 * Who decides the size of one terminal, and this page's part in that. A page that attaches to a terminal nobody drives
 * takes it. One that watches is offered it when the driver leaves, and takes it with the first key: nothing on its
 * screen moves by itself, and a driver that was away for a moment finds its size again.
 */
import { isSameClient } from '@holdfast/core/session/driver.ts';
import { answersQueries } from '@holdfast/core/stream/query-reply.ts';
import type { ErrorBody } from '@holdfast/protocol/error.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { Driver, Presence } from '@holdfast/protocol/presence.ts';
import type { SessionDescriptor } from '@holdfast/protocol/session.ts';
import type { Holdfast } from '#lib/state/holdfast.svelte.ts';
import type { Toasts } from '#lib/state/toasts.svelte.ts';

/** How long a take-over can be undone with a tap, ms. */
const undoMs = 5_000;

export class Driving {
  readonly #holdfast: Holdfast;
  readonly #toasts: Toasts;
  readonly #session: () => SessionDescriptor;
  /** As the log says; undefined: nothing yet, so the descriptor is asked. */
  #logged: Driver | null | undefined = $state.raw();
  /** A take of this page that is on its way. */
  #wish: 'take' | 'take over' | null = $state(null);
  /** Whom this page took it from, until the log says that it has. */
  #previous: Driver | null = null;
  /** All that was stored has been read: until then nobody knows who drives. */
  #attached = $state(false);
  presence: Presence = $state.raw({ people: [], more: 0 });

  constructor(holdfast: Holdfast, toasts: Toasts, session: () => SessionDescriptor) {
    this.#holdfast = holdfast;
    this.#toasts = toasts;
    this.#session = session;
  }

  get driver(): Driver | null {
    return this.#logged === undefined ? (this.#session().terminal?.driver ?? null) : this.#logged;
  }

  /** This page decides the size. */
  get mine(): boolean {
    return this.isMine(this.driver);
  }

  /** What a program asks its terminal is answered here, and at nobody else's. */
  get answers(): boolean {
    const { clientId, userId: id } = this.#holdfast.self;
    return answersQueries({ clientId, id }, this.driver, this.presence.people);
  }

  /** Another one decides the size, or nobody does and this page is not about to. */
  get watching(): boolean {
    return this.#attached && !this.mine && (this.driver !== null || !this.taking);
  }

  get taking(): boolean {
    return this.#wish !== null;
  }

  isMine(driver: Driver | null): boolean {
    const { clientId, userId: id } = this.#holdfast.self;
    return isSameClient(driver, { clientId, id });
  }

  read(facts: readonly Fact[]): void {
    for (const fact of facts) if (fact.type === 'driver.changed') this.#changed(fact.data.driver);
  }

  /** The log is another one. */
  reset(driver: Driver | null): void {
    this.#logged = driver;
  }

  /** This page is attached, with all that is stored. looked: somebody looks at it. */
  arrived(looked: boolean): void {
    this.#attached = true;
    if (looked) this.takeIfFree();
  }

  /** Nobody drives, and somebody is here. */
  takeIfFree(): void {
    if (this.driver === null && this.#wish === null) this.#take('take', null, () => undefined);
  }

  takeOver(): void {
    if (this.mine || this.#wish === 'take over') return;
    const { driver } = this;
    this.#previous = driver;
    this.#take('take over', driver?.clientId ?? null, (error) => this.#toasts.error(error));
  }

  resize(size: { cols: number; rows: number }): void {
    // Refused, it was decided by another meanwhile: the log says so.
    this.#holdfast.sendForNow(this.#session().id, { type: 'terminal.resize', ...size, ...this.#as() });
  }

  #take(wish: 'take' | 'take over', from: string | null, refused: (error: ErrorBody) => void): void {
    this.#wish = wish;
    const settled = (error: ErrorBody | null): void => {
      if (this.#wish === wish) this.#wish = null;
      if (error !== null) refused(error);
    };
    this.#holdfast.sendForNow(this.#session().id, { type: 'driver.take', from, ...this.#as() }, settled);
  }

  #changed(driver: Driver | null): void {
    this.#logged = driver;
    const previous = this.#previous;
    if (previous === null || !this.isMine(driver)) return;
    this.#previous = null;
    const there = this.presence.people.some((one) =>
      isSameClient(previous, { clientId: one.clientId, id: one.userId }),
    );
    if (there) this.#toasts.offer('You drive now', { label: 'Undo', act: () => this.#handBack(previous) }, undoMs);
  }

  #handBack({ clientId: to }: Driver): void {
    this.#holdfast.sendForNow(this.#session().id, { type: 'driver.give', to, ...this.#as() }, (error) => {
      if (error !== null) this.#toasts.error(error);
    });
  }

  #as(): { readonly clientId: string } {
    return { clientId: this.#holdfast.self.clientId };
  }
}
