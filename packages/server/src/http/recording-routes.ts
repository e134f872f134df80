/** Recordings of terminals: what there is, their files, and their removal. Begun and ended by the command terminal.record. */
import { Readable } from 'node:stream';
import { idSchema } from '@holdfast/protocol/id.ts';
import { recordingListSchema } from '@holdfast/protocol/recording.ts';
import { z } from 'zod';
import type { RecordingCalls } from '../application/application.ts';
import { failures, type HttpApp, idParams, nothing } from './app.ts';
import { loginOf } from './guard.ts';
import { valueOf } from './refused.ts';

const tags = ['recordings'];
const params = z.object({ id: idSchema, recordingId: idSchema });
const asciicast = 'application/x-asciicast';

export function recordingRoutes(app: HttpApp, recordings: RecordingCalls): void {
  app.get(
    '/api/sessions/:id/recordings',
    {
      schema: {
        tags,
        description: 'Newest first. runner_offline: the machine they lie on is away.',
        params: idParams,
        response: { 200: recordingListSchema, ...failures },
      },
    },
    async (request) => ({ recordings: valueOf(await recordings.list(loginOf(request), request.params.id)) }),
  );
  app.get(
    '/api/sessions/:id/recordings/:recordingId',
    {
      schema: {
        tags,
        description: 'The file, asciicast v2. Of one that goes on: what there is so far.',
        params,
        response: { 200: { description: 'lines', content: { [asciicast]: { schema: z.unknown() } } }, ...failures },
      },
    },
    async (request, reply) => {
      const { id, recordingId } = request.params;
      const bytes = valueOf(await recordings.content(loginOf(request), id, recordingId));
      return reply
        .header('content-disposition', `attachment; filename="${recordingId.replace(/[^\w-]/g, '_')}.cast"`)
        .header('cache-control', 'private, no-store')
        .header('x-content-type-options', 'nosniff')
        .type(asciicast)
        .send(Readable.from(bytes, { objectMode: false }));
    },
  );
  app.delete(
    '/api/sessions/:id/recordings/:recordingId',
    {
      schema: {
        tags,
        description: 'conflict: it goes on; stop it first.',
        params,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      valueOf(await recordings.remove(loginOf(request), request.params.id, request.params.recordingId));
      reply.code(204);
    },
  );
}
