/** A reply as the events of the Messages API's stream, in their order. */
import type { Block, Chunk } from './reply.ts';
import type { Gate } from './gate.ts';

export interface StreamEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface MessageStream {
  readonly messageId: string;
  readonly model: string;
  readonly blocks: readonly Block[];
  readonly gate?: Gate | undefined;
  /** Makes ids of tool calls that name none. */
  readonly toolUseId: (index: number) => string;
}

const usage = { input_tokens: 120, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 1 };
/** Characters of a tool's input per delta. */
const inputPiece = 24;

const pause = (milliseconds: number): Promise<void> => new Promise((next) => setTimeout(next, milliseconds));

async function reached(chunk: Chunk): Promise<string> {
  if (typeof chunk === 'string') return chunk;
  await chunk.gate?.opened;
  if (chunk.pause !== undefined) await pause(chunk.pause);
  return chunk.text;
}

async function* blockEvents(block: Block, index: number, toolUseId: string): AsyncGenerator<StreamEvent> {
  const start = (content: object): StreamEvent => ({ type: 'content_block_start', index, content_block: content });
  const delta = (content: object): StreamEvent => ({ type: 'content_block_delta', index, delta: content });
  if (block.type === 'tool_use') {
    yield start({ type: 'tool_use', id: block.id ?? toolUseId, name: block.name, input: {} });
    const input = JSON.stringify(block.input);
    for (let at = 0; at < input.length; at += inputPiece) {
      yield delta({ type: 'input_json_delta', partial_json: input.slice(at, at + inputPiece) });
    }
  } else if (block.type === 'text') {
    yield start({ type: 'text', text: '' });
    for (const chunk of block.chunks) yield delta({ type: 'text_delta', text: await reached(chunk) });
  } else {
    yield start({ type: 'thinking', thinking: '', signature: '' });
    for (const chunk of block.chunks) yield delta({ type: 'thinking_delta', thinking: await reached(chunk) });
    yield delta({ type: 'signature_delta', signature: 'c2NyaXB0ZWQ=' });
  }
  yield { type: 'content_block_stop', index };
}

export async function* messageEvents(stream: MessageStream): AsyncGenerator<StreamEvent> {
  yield {
    type: 'message_start',
    message: {
      id: stream.messageId,
      type: 'message',
      role: 'assistant',
      model: stream.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage,
    },
  };
  for (const [index, block] of stream.blocks.entries()) yield* blockEvents(block, index, stream.toolUseId(index));
  await stream.gate?.opened;
  const stopReason = stream.blocks.some((block) => block.type === 'tool_use') ? 'tool_use' : 'end_turn';
  yield {
    type: 'message_delta',
    delta: { stop_reason: stopReason, stop_sequence: null },
    usage: { output_tokens: 35 },
  };
  yield { type: 'message_stop' };
}
