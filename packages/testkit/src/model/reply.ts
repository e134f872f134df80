/** What a scripted model says, as plain data; message-stream.ts puts it into the Messages API's events. */
import type { Gate } from './gate.ts';

/** One delta. It is sent once its gate is open and its pause (milliseconds) is over. */
export interface GatedChunk {
  readonly text: string;
  readonly gate?: Gate;
  readonly pause?: number;
}
export type Chunk = string | GatedChunk;

export type Block =
  | { readonly type: 'text' | 'thinking'; readonly chunks: readonly Chunk[] }
  /** id: made up when absent. The input is streamed in pieces, as the real one does. */
  | { readonly type: 'tool_use'; readonly name: string; readonly input: object; readonly id?: string };

export type Reply =
  /** gate: holds back the end of the message. drop: the connection is cut in the last block. */
  | { readonly type: 'message'; readonly blocks: readonly Block[]; readonly gate?: Gate; readonly drop?: boolean }
  | { readonly type: 'error'; readonly status: number; readonly kind: string; readonly message: string }
  /** The connection is cut before anything is said. */
  | { readonly type: 'drop' }
  /** No answer until the caller gives up. */
  | { readonly type: 'hang' };

/** A message of these blocks; a string is a text block of one chunk. */
export const says = (...blocks: readonly (string | Block)[]): Reply => ({
  type: 'message',
  blocks: blocks.map((block) => (typeof block === 'string' ? { type: 'text', chunks: [block] } : block)),
});

export const text = (...chunks: readonly Chunk[]): Block => ({ type: 'text', chunks });
export const thinking = (...chunks: readonly Chunk[]): Block => ({ type: 'thinking', chunks });
export const uses = (name: string, input: object, id?: string): Block => ({
  type: 'tool_use',
  name,
  input,
  ...(id === undefined ? {} : { id }),
});

export const overloaded: Reply = { type: 'error', status: 529, kind: 'overloaded_error', message: 'Overloaded' };
export const unauthorized: Reply = {
  type: 'error',
  status: 401,
  kind: 'authentication_error',
  message: 'invalid x-api-key',
};
export const invalidRequest = (message: string): Reply => ({
  type: 'error',
  status: 400,
  kind: 'invalid_request_error',
  message,
});
