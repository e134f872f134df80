/** What has become of a message, from this device's outbox to the agent's last word on it. */
import type { Delay, DeliveryState } from '@holdfast/core/client/outbox.ts';
import type { MessageProgress } from '@holdfast/core/client/transcript-item.ts';

export interface DeliveryWords {
  readonly text: string;
  /** done: a tick; moving: on its way; trouble: the person must decide. */
  readonly look: 'quiet' | 'done' | 'moving' | 'trouble';
  /** Clock milliseconds: when it goes out by itself. Without it nobody knows, or it does not wait. */
  readonly until?: number;
}

export function deliveryWords(state: DeliveryState, delay: Delay | null, connected: boolean): DeliveryWords {
  switch (state.status) {
    case 'saving':
      return { text: 'Saving', look: 'moving' };
    case 'saved':
      if (!connected) return { text: 'Kept here, goes out when connected', look: 'quiet' };
      return delay === null
        ? { text: 'Kept, sending', look: 'moving' }
        : { text: `Kept. ${delay.error.message}`, look: 'quiet', until: delay.until };
    case 'sending':
      return { text: 'Sending', look: 'moving' };
    case 'stored':
      return { text: 'Stored', look: 'done' };
    case 'failed':
      return { text: `Not sent: ${state.error.message}`, look: 'trouble' };
    case 'unsure':
      return { text: `It may or may not have arrived: ${state.error.message}`, look: 'trouble' };
    case 'discarded':
      return { text: 'Discarded', look: 'quiet' };
  }
}

export function progressWords(progress: MessageProgress): DeliveryWords {
  switch (progress) {
    case 'stored':
      return { text: 'Stored', look: 'done' };
    case 'running':
      return { text: 'Delivered', look: 'done' };
    case 'done':
      return { text: 'Done', look: 'done' };
    case 'stopped':
      return { text: 'Stopped', look: 'quiet' };
    case 'failed':
      return { text: 'Failed', look: 'quiet' };
    case 'interrupted':
      return { text: 'Interrupted', look: 'quiet' };
  }
}
