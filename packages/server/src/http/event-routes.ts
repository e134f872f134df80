import { idSchema } from '@holdfast/protocol/id.ts';
import { eventPageSchema, eventsQuerySchema, parsedSchema } from '@holdfast/protocol/rest.ts';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Application } from '../application/application.ts';
import { failures, type HttpApp, idParams, nothing } from './app.ts';
import type { EventStreams, Reader } from './event-streams.ts';
import { credentialsOf, loginOf } from './guard.ts';
import { Refused, valueOf } from './refused.ts';

/** Loose: the other headers stay readable. */
const streamHeaders = z.looseObject({
  'last-event-id': z
    .string()
    .regex(/^\d{1,15}$/, 'the seq of a fact')
    .optional(),
});

export function eventRoutes(app: HttpApp, application: Application, streams: EventStreams): void {
  app.get(
    '/api/sessions/:id/events',
    {
      schema: {
        tags: ['events'],
        description:
          'A page of the log; with "Accept: text/event-stream" the log as it grows: resume, fact (id: its seq), preview, synced, heartbeat, deleted. Last-Event-ID goes on after that fact. resume tells the verdict: ok, every fact after the cursor follows; reset (the cursor is not of this log, or too far behind its end, or "tail"), the facts from `from` on follow, and `base` is what the session was after lastSeq. tty: also a terminal\'s output, as tty (its bytes in base64) from that offset on, or after a screen; say what was parsed, or no more will come.',
        params: z.object({ id: idSchema }),
        querystring: eventsQuerySchema,
        headers: streamHeaders,
        response: {
          200: {
            description: 'a page, or the stream',
            content: { 'application/json': { schema: eventPageSchema }, 'text/event-stream': { schema: z.string() } },
          },
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const { id: sessionId } = request.params;
      const { after, before, limit, tty } = request.query;
      if (after !== undefined && before !== undefined) refuse('Ask for facts after one or before one, not both.');
      if (!wantsStream(request.headers.accept)) {
        const page = after === 'tail' ? { before: Number.MAX_SAFE_INTEGER, limit } : { after, before, limit };
        return valueOf(await application.events(loginOf(request), sessionId, page));
      }
      if (before !== undefined) refuse('A stream goes forward only: "before" is for pages.');
      const lastId = request.headers['last-event-id'];
      const output = tty === undefined ? {} : { tty: { from: tty === 'screen' ? null : tty } };
      await streams.session(reply, readerOf(request), {
        sessionId,
        after: lastId === undefined ? cursorOf(after) : Number(lastId),
        ...output,
      });
      return reply;
    },
  );
  app.get(
    '/api/sessions/changes',
    {
      schema: {
        tags: ['events'],
        description:
          'An event stream of the sessions that change from now on: hello, session (its descriptor), deleted, heartbeat.',
        response: {
          200: { description: 'the stream', content: { 'text/event-stream': { schema: z.string() } } },
          ...failures,
        },
      },
    },
    async (request, reply) => {
      streams.changes(reply, readerOf(request));
      return reply;
    },
  );
  app.post(
    '/api/sessions/:id/parsed',
    {
      schema: {
        tags: ['events'],
        description: 'What the reader of an event stream has parsed of the output: gives it credit for more.',
        params: idParams,
        body: parsedSchema,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      const { streamId, offset } = request.body;
      streams.parsed(loginOf(request), request.params.id, streamId, offset);
      reply.code(204);
    },
  );
}

const cursorOf = (after: number | 'tail' | undefined): number | null => (after === 'tail' ? null : (after ?? 0));

const readerOf = (request: FastifyRequest): Reader => ({ login: loginOf(request), from: credentialsOf(request) });

function wantsStream(accept: string | undefined): boolean {
  return (accept ?? '').split(',').some((part) => part.split(';')[0]?.trim().toLowerCase() === 'text/event-stream');
}

function refuse(message: string): never {
  throw new Refused({ kind: 'bad_request', message });
}
