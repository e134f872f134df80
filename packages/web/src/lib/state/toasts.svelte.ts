/** Short messages about something that was refused. An error of one message stays with that message instead. */
import { getContext, setContext } from 'svelte';
import type { ErrorBody } from '@holdfast/protocol/error.ts';

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: 'bad' | 'quiet';
  /** What can be done about it, while it is shown. */
  readonly action: ToastAction | null;
}

export interface ToastAction {
  readonly label: string;
  readonly act: () => void;
}

const shownFor = 8_000;
const limit = 4;
const key = Symbol('toasts');

export class Toasts {
  list: Toast[] = $state([]);
  #next = 1;

  error(error: ErrorBody): void {
    this.#add({ text: error.message, tone: 'bad', action: null }, shownFor);
  }

  say(text: string): void {
    this.#add({ text, tone: 'quiet', action: null }, shownFor);
  }

  /** For so many ms. Returns the function that takes it away. */
  offer(text: string, action: ToastAction, ms = shownFor): () => void {
    const id = this.#add({ text, tone: 'quiet', action }, ms);
    return () => this.dismiss(id);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(toast: Omit<Toast, 'id'>, ms: number): number {
    const id = this.#next++;
    this.list = [...this.list.filter(({ text }) => text !== toast.text), { id, ...toast }].slice(-limit);
    setTimeout(() => this.dismiss(id), ms);
    return id;
  }
}

export const provideToasts = (): Toasts => setContext(key, new Toasts());
export const useToasts = (): Toasts => getContext<Toasts>(key);
