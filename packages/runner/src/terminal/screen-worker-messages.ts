/** Between the runner and the thread that parses terminals. In order, both ways. */
import type { Screen } from '@holdfast/protocol/screen.ts';
import type { Snapshot } from './screen-model.ts';

export type ToScreenWorker =
  | { readonly type: 'open'; readonly model: number; readonly base: Screen }
  | {
      readonly type: 'write';
      readonly model: number;
      readonly request: number;
      readonly bytes: Uint8Array<ArrayBuffer>;
    }
  | { readonly type: 'skip'; readonly model: number; readonly bytes: number }
  | { readonly type: 'resize'; readonly model: number; readonly cols: number; readonly rows: number }
  | { readonly type: 'snapshot'; readonly model: number; readonly request: number; readonly scrollback: number }
  | { readonly type: 'close'; readonly model: number };

export type FromScreenWorker =
  | { readonly type: 'parsed'; readonly request: number; readonly calm: boolean }
  | { readonly type: 'snapshot'; readonly request: number; readonly snapshot: Snapshot };
