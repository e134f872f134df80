import { workspaceListSchema, renameWorkspaceSchema } from '@holdfast/protocol/rest.ts';
import { createWorkspaceSchema, workspaceSchema } from '@holdfast/protocol/workspace.ts';
import type { Application } from '../application/application.ts';
import { failures, type HttpApp, idParams, nothing } from './app.ts';
import { loginOf } from './guard.ts';
import { valueOf } from './refused.ts';

const tags = ['workspaces'];

export function workspaceRoutes(app: HttpApp, application: Application): void {
  app.post(
    '/api/workspaces',
    { schema: { tags, body: createWorkspaceSchema, response: { 201: workspaceSchema, ...failures } } },
    async (request, reply) => {
      reply.code(201);
      return valueOf(await application.createWorkspace(loginOf(request), request.body));
    },
  );
  app.get(
    '/api/workspaces',
    { schema: { tags, response: { 200: workspaceListSchema, ...failures } } },
    async (request) => ({
      workspaces: valueOf(await application.workspaces(loginOf(request))),
    }),
  );
  app.get(
    '/api/workspaces/:id',
    { schema: { tags, params: idParams, response: { 200: workspaceSchema, ...failures } } },
    async (request) => valueOf(await application.workspace(loginOf(request), request.params.id)),
  );
  app.patch(
    '/api/workspaces/:id',
    {
      schema: {
        tags,
        params: idParams,
        body: renameWorkspaceSchema,
        response: { 200: workspaceSchema, ...failures },
      },
    },
    async (request) =>
      valueOf(await application.renameWorkspace(loginOf(request), request.params.id, request.body.name)),
  );
  app.delete(
    '/api/workspaces/:id',
    { schema: { tags, params: idParams, response: { 204: nothing, ...failures } } },
    async (request, reply) => {
      valueOf(await application.deleteWorkspace(loginOf(request), request.params.id));
      reply.code(204);
    },
  );
}
