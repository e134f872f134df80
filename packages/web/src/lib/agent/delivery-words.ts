/** What has become of a message, from this device's outbox to the agent's last word on it. */
import type { DeliveryState } from '@holdfast/core/client/outbox.ts';
import type { MessageProgress } from '@holdfast/core/client/transcript-item.ts';

export interface DeliveryWords {
  readonly text: string;
  /** done: a tick; moving: on its way; trouble: the person must decide. */
  readonly look: 'quiet' | 'done' | 'moving' | 'trouble';
}

export function deliveryWords(state: DeliveryState, connected: boolean): DeliveryWords {
  switch (state.status) {
    case 'saving':
      return { text: 'Saving', look: 'moving' };
    case 'saved':
      return connected
        ? { text: 'Saved, sending', look: 'moving' }
        : { text: 'Saved here, goes out when connected', look: 'quiet' };
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
