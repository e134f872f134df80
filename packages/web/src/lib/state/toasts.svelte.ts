/** Short messages about something that was refused. An error of one message stays with that message instead. */
import { getContext, setContext } from 'svelte';
import type { ErrorBody } from '@holdfast/protocol/error.ts';

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: 'bad' | 'quiet';
}

const shownFor = 8_000;
const limit = 4;
const key = Symbol('toasts');

export class Toasts {
  list: Toast[] = $state([]);
  #next = 1;

  error(error: ErrorBody): void {
    this.#add(error.message, 'bad');
  }

  say(text: string): void {
    this.#add(text, 'quiet');
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(text: string, tone: Toast['tone']): void {
    const id = this.#next++;
    this.list = [...this.list.filter((toast) => toast.text !== text), { id, text, tone }].slice(-limit);
    setTimeout(() => this.dismiss(id), shownFor);
  }
}

export const provideToasts = (): Toasts => setContext(key, new Toasts());
export const useToasts = (): Toasts => getContext<Toasts>(key);
