/**
 * An HTTP server on loopback that speaks Anthropic's Messages API from a script, so that the real agent runs without
 * a model. What it is asked is kept for tests to look at.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { readConversation, type Conversation } from './conversation.ts';
import { messageEvents } from './message-stream.ts';
import type { Reply } from './reply.ts';

/** A list answers the first request for a message with its first reply, and so on; after its end with an error 400. */
export type Script = readonly Reply[] | ((conversation: Conversation, index: number) => Reply);

export interface ModelRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
  readonly conversation: Conversation;
  /** The caller went away before the reply was whole. */
  aborted: boolean;
}

export interface ScriptedModel {
  readonly url: string;
  /** Requests for messages, in the order they came. */
  readonly requests: readonly ModelRequest[];
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Bytes of a request's body; the agent's own are far smaller. */
const bodyLimit = 64 * 1024 * 1024;

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimit) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function sendError(response: ServerResponse, status: number, kind: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': `req_${randomUUID()}` });
  response.end(JSON.stringify({ type: 'error', error: { type: kind, message } }));
}

const replyOf = (script: Script, conversation: Conversation, index: number): Reply => {
  if (typeof script === 'function') return script(conversation, index);
  return (
    script[index] ?? { type: 'error', status: 400, kind: 'invalid_request_error', message: 'the script is at its end' }
  );
};

async function sendMessage(
  response: ServerResponse,
  model: string,
  reply: Extract<Reply, { type: 'message' }>,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': `req_${randomUUID()}` });
  // Each delta is a packet of its own, as from the real endpoint; without this a small one waits for the next.
  response.socket?.setNoDelay(true);
  const events = messageEvents({
    messageId: `msg_${randomUUID().replaceAll('-', '')}`,
    model,
    blocks: reply.blocks,
    gate: reply.gate,
    toolUseId: () => `toolu_${randomUUID().replaceAll('-', '').slice(0, 24)}`,
  });
  const lastBlock = reply.blocks.length - 1;
  for await (const event of events) {
    if (response.destroyed) return;
    if (reply.drop === true && event.type === 'content_block_stop' && event['index'] === lastBlock) {
      // What was said so far still arrives.
      response.socket?.destroySoon();
      return;
    }
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }
  response.end();
}

/** port: 0 or absent picks a free one. */
export async function startScriptedModel(options: { script: Script; port?: number }): Promise<ScriptedModel> {
  const requests: ModelRequest[] = [];

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const body = await readBody(request);
    if (request.method === 'POST' && path === '/v1/messages/count_tokens') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ input_tokens: 120 }));
      return;
    }
    if (request.method !== 'POST' || path !== '/v1/messages') {
      sendError(response, 404, 'not_found_error', `no such path: ${request.method ?? ''} ${path}`);
      return;
    }
    const conversation = readConversation(body);
    const record: ModelRequest = {
      method: 'POST',
      path,
      headers: request.headers,
      body,
      conversation,
      aborted: false,
    };
    requests.push(record);
    response.on('close', () => {
      record.aborted = !response.writableFinished;
    });
    const reply = replyOf(options.script, conversation, requests.length - 1);
    if (reply.type === 'message') await sendMessage(response, conversation.model, reply);
    else if (reply.type === 'error') sendError(response, reply.status, reply.kind, reply.message);
    else if (reply.type === 'drop') response.destroy();
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendError(response, 500, 'api_error', error instanceof Error ? error.message : String(error));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, requests, close, [Symbol.asyncDispose]: close };
}
