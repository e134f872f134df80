import { commandSchema } from '@holdfast/protocol/command.ts';
import { presenceSchema } from '@holdfast/protocol/presence.ts';
import {
  commandAnswerSchema,
  createSessionSchema,
  listSessionsQuerySchema,
  patchSessionSchema,
  sessionListSchema,
} from '@holdfast/protocol/rest.ts';
import { sessionDescriptorSchema } from '@holdfast/protocol/session.ts';
import { z } from 'zod';
import type { Application } from '../application/application.ts';
import { failures, type HttpApp, idParams, nothing, perLogin } from './app.ts';
import { loginOf } from './guard.ts';
import { valueOf } from './refused.ts';

const tags = ['sessions'];
/** Loose: the other headers stay readable. */
const idempotencyHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, '1 to 128 visible ASCII characters')
    .optional(),
});

export function sessionRoutes(app: HttpApp, application: Application): void {
  app.post(
    '/api/sessions',
    {
      config: perLogin(300),
      schema: {
        tags,
        headers: idempotencyHeaders,
        body: createSessionSchema,
        response: { 201: sessionDescriptorSchema, ...failures },
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'] ?? null;
      const { session, repeated } = valueOf(await application.createSession(loginOf(request), request.body, key));
      if (repeated) reply.header('idempotency-replayed', 'true');
      reply.code(201);
      return session;
    },
  );
  app.get(
    '/api/sessions',
    { schema: { tags, querystring: listSessionsQuerySchema, response: { 200: sessionListSchema, ...failures } } },
    async (request) => {
      const { q, ...query } = request.query;
      return valueOf(await application.sessions(loginOf(request), { ...query, titlePart: q }));
    },
  );
  app.get(
    '/api/sessions/:id',
    { schema: { tags, params: idParams, response: { 200: sessionDescriptorSchema, ...failures } } },
    async (request) => valueOf(await application.session(loginOf(request), request.params.id)),
  );
  app.get(
    '/api/sessions/:id/presence',
    {
      schema: {
        tags,
        description: 'Who is attached: follows it over a socket or an event stream. 50 by name, the others counted.',
        params: idParams,
        response: { 200: presenceSchema, ...failures },
      },
    },
    async (request) => valueOf(await application.presence(loginOf(request), request.params.id)),
  );
  app.patch(
    '/api/sessions/:id',
    {
      schema: {
        tags,
        params: idParams,
        body: patchSessionSchema,
        response: { 200: sessionDescriptorSchema, ...failures },
      },
    },
    async (request) => valueOf(await application.patchSession(loginOf(request), request.params.id, request.body)),
  );
  app.delete(
    '/api/sessions/:id',
    { schema: { tags, params: idParams, response: { 204: nothing, ...failures } } },
    async (request, reply) => {
      valueOf(await application.deleteSession(loginOf(request), request.params.id));
      reply.code(204);
    },
  );
  app.post(
    '/api/sessions/:id/commands',
    {
      config: perLogin(6_000),
      schema: { tags, params: idParams, body: commandSchema, response: { 202: commandAnswerSchema, ...failures } },
    },
    async (request, reply) => {
      reply.code(202);
      return { receipt: valueOf(await application.command(loginOf(request), request.params.id, request.body)) };
    },
  );
}
