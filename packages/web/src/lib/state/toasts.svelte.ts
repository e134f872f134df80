/** Short messages about something that was refused. An error of one message stays with that message instead. */
import { getContext, setContext } from 'svelte';
import type { ErrorBody } from '@holdfast/protocol/error.ts';

export interface ToastAction {
  readonly label: string;
  readonly run: () => void;
}

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: 'bad' | 'quiet';
  /** What can be done about it; doing it dismisses the toast. */
  readonly action: ToastAction | null;
}

const shownFor = 8_000;
const limit = 4;
const key = Symbol('toasts');

export class Toasts {
  list: Toast[] = $state([]);
  #next = 1;

  error(error: ErrorBody): void {
    this.#add(error.message, 'bad', null, shownFor);
  }

  say(text: string): void {
    this.#add(text, 'quiet', null, shownFor);
  }

  /** For `milliseconds`. Returns the function that takes it away. */
  offer(text: string, action: ToastAction, milliseconds = shownFor): () => void {
    const id = this.#add(text, 'quiet', action, milliseconds);
    return () => this.dismiss(id);
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  #add(text: string, tone: Toast['tone'], action: ToastAction | null, milliseconds: number): number {
    const id = this.#next++;
    this.list = [...this.list.filter((toast) => toast.text !== text), { id, text, tone, action }].slice(-limit);
    setTimeout(() => this.dismiss(id), milliseconds);
    return id;
  }
}

export const provideToasts = (): Toasts => setContext(key, new Toasts());
export const useToasts = (): Toasts => getContext<Toasts>(key);
