/** Long commands that ended while nobody saw the page: told by the system at once where that is allowed, and in the page. */
import type { Toasts } from '#lib/state/toasts.svelte.ts';
import type { Command } from './command-blocks.ts';
import { longCommandWords } from './command-words.ts';

/** Told when somebody comes back: the newest. */
const kept = 3;

export class LongCommands {
  readonly #toasts: Pick<Toasts, 'say'>;
  #unseen: string[] = [];

  constructor(toasts: Pick<Toasts, 'say'>) {
    this.#toasts = toasts;
  }

  ended(command: Command<unknown>, title: string): void {
    const words = longCommandWords(command, document.visibilityState === 'hidden');
    if (words === null) return;
    this.#unseen = [...this.#unseen, words].slice(-kept);
    if (!('Notification' in window) || Notification.permission !== 'granted') return;
    try {
      new Notification(title, { body: words });
    } catch {
      // A phone's browser has the name, but only workers may use it.
    }
  }

  /** Somebody sees the page again. */
  seen(): void {
    for (const words of this.#unseen) this.#toasts.say(words);
    this.#unseen = [];
  }
}
