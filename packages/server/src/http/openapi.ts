/** The contract as a document, made from the schemas the doors parse with. */
import swagger from '@fastify/swagger';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { HttpApp } from './app.ts';

export async function describeRoutes(app: HttpApp, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Holdfast', version, description: 'Terminals and coding agents that outlive their connections.' },
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'an API key' },
          cookie: { type: 'apiKey', in: 'cookie', name: 'session', description: 'set by POST /api/login' },
        },
      },
      security: [{ key: [] }, { cookie: [] }],
    },
    transform: jsonSchemaTransform,
  });
}

/** In the guarded scope, after all other routes. */
export function openApiRoute(app: HttpApp): void {
  const document = z.record(z.string(), z.unknown());
  app.get('/api/openapi.json', { schema: { tags: ['contract'], response: { 200: document } } }, async () => ({
    ...app.swagger(),
  }));
}
