import { idSchema } from '@holdfast/protocol/id.ts';
import { eventPageSchema, eventsQuerySchema } from '@holdfast/protocol/rest.ts';
import { z } from 'zod';
import type { Application } from '../application/application.ts';
import { failures, type HttpApp } from './app.ts';
import type { EventStreams } from './event-streams.ts';
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
          'A page of the log; with "Accept: text/event-stream" the log as it grows: resume, fact (id: its seq), preview, synced, heartbeat. Last-Event-ID goes on after that fact.',
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
      const { after, before, limit } = request.query;
      if (after !== undefined && before !== undefined) refuse('Ask for facts after one or before one, not both.');
      if (!wantsStream(request.headers.accept)) {
        return valueOf(await application.events(loginOf(request), sessionId, { after, before, limit }));
      }
      if (before !== undefined) refuse('A stream goes forward only: "before" is for pages.');
      const lastId = request.headers['last-event-id'];
      await streams.start(reply, {
        login: loginOf(request),
        from: credentialsOf(request),
        sessionId,
        after: lastId === undefined ? (after ?? 0) : Number(lastId),
      });
      return reply;
    },
  );
}

function wantsStream(accept: string | undefined): boolean {
  return (accept ?? '').split(',').some((part) => part.split(';')[0]?.trim().toLowerCase() === 'text/event-stream');
}

function refuse(message: string): never {
  throw new Refused({ kind: 'bad_request', message });
}
