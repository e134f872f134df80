/** The types the route modules share. */
import { errorResponseSchema } from '@holdfast/protocol/error.ts';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { idSchema } from '@holdfast/protocol/id.ts';
import { z } from 'zod';

export type HttpApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

export const idParams = z.object({ id: idSchema });
export const nothing = z.undefined().describe('nothing');
/** Of every route, in the OpenAPI document. */
export const failures = { '4xx': errorResponseSchema, '5xx': errorResponseSchema };

const minute = 60_000;
/** How often one login may do it in a minute; used as a route's config. */
export function perLogin(max: number) {
  return {
    rateLimit: {
      max,
      timeWindow: minute,
      hook: 'preHandler' as const,
      keyGenerator: (request: { login: { loginId: string } | null; ip: string }) =>
        request.login?.loginId ?? request.ip,
    },
  };
}
