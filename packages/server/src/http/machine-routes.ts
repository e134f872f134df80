import { agentListSchema, agentQuerySchema, runnerListSchema } from '@holdfast/protocol/rest.ts';
import type { Application } from '../application/application.ts';
import { failures, type HttpApp } from './app.ts';
import { loginOf } from './guard.ts';
import { valueOf } from './refused.ts';

const tags = ['machines'];

export function machineRoutes(app: HttpApp, application: Application): void {
  app.get('/api/runners', { schema: { tags, response: { 200: runnerListSchema, ...failures } } }, async (request) => ({
    runners: valueOf(await application.runners(loginOf(request))).map((runner) => ({
      ...runner,
      roots: [...runner.roots],
    })),
  }));
  app.get(
    '/api/agents',
    {
      schema: {
        tags,
        description: 'As they were found when they were first asked for; refresh=1 looks again.',
        querystring: agentQuerySchema,
        response: { 200: agentListSchema, ...failures },
      },
    },
    async (request) => valueOf(await application.agents(loginOf(request), request.query.refresh === '1')),
  );
}
