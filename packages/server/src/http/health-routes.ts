import { readinessSchema } from '@holdfast/protocol/rest.ts';
import { z } from 'zod';
import type { Metrics } from '../health/metrics.ts';
import type { Readiness } from '../health/readiness.ts';
import { failures, type HttpApp } from './app.ts';

const tags = ['health'];

/** Open to everybody: they say that, not what. */
export function openHealthRoutes(app: HttpApp, readiness: Readiness): void {
  app.get(
    '/healthz',
    { schema: { tags, security: [], response: { 200: z.object({ ok: z.literal(true) }) } } },
    async () => ({ ok: true as const }),
  );
  app.get(
    '/readyz',
    { schema: { tags, security: [], response: { 200: readinessSchema, 503: readinessSchema } } },
    async (_request, reply) => {
      const report = await readiness.check();
      return reply
        .code(report.ready ? 200 : 503)
        .header('cache-control', 'no-store')
        .send(report);
    },
  );
}

/** Behind the guard: numbers of a private server are private. Prometheus sends an API key as Bearer. */
export function metricsRoutes(app: HttpApp, { registry }: Metrics): void {
  app.get(
    '/metrics',
    {
      schema: {
        tags,
        response: {
          200: { description: 'Prometheus text', content: { 'text/plain': { schema: z.string() } } },
          ...failures,
        },
      },
    },
    async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()),
  );
}
