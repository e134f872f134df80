import { limitListSchema } from '@holdfast/protocol/limit-use.ts';
import type { Application } from '../application/application.ts';
import { failures, type HttpApp } from './app.ts';
import { loginOf } from './guard.ts';
import { valueOf } from './refused.ts';

export function limitRoutes(app: HttpApp, application: Application): void {
  app.get(
    '/api/limits',
    {
      schema: {
        tags: ['limits'],
        description: 'What you may have and do, and how much of it is in use. 0: not limited.',
        response: { 200: limitListSchema, ...failures },
      },
    },
    async (request) => valueOf(await application.limits(loginOf(request))),
  );
}
