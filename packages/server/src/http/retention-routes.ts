import { retentionPreviewSchema, retentionRunSchema } from '@holdfast/protocol/retention.ts';
import type { Application } from '../application/application.ts';
import { failures, type HttpApp, perLogin } from './app.ts';
import { loginOf } from './guard.ts';
import { valueOf } from './refused.ts';

const tags = ['retention'];

export function retentionRoutes(app: HttpApp, application: Application): void {
  app.get(
    '/api/retention/preview',
    { config: perLogin(30), schema: { tags, response: { 200: retentionPreviewSchema, ...failures } } },
    async (request) => valueOf(await application.retentionPreview(loginOf(request))),
  );
  app.post(
    '/api/retention/run',
    { config: perLogin(6), schema: { tags, response: { 200: retentionRunSchema, ...failures } } },
    async (request) => valueOf(await application.runRetention(loginOf(request))),
  );
}
