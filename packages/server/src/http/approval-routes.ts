import {
  answerApprovalSchema,
  answerApprovalsSchema,
  approvalListSchema,
  approvalsAnsweredSchema,
  approvalsQuerySchema,
  commandAnswerSchema,
  ruleListSchema,
} from '@holdfast/protocol/rest.ts';
import type { Application } from '../application/application.ts';
import { failures, type HttpApp, idParams, nothing, perLogin } from './app.ts';
import { loginOf } from './guard.ts';
import { valueOf } from './refused.ts';

const tags = ['approvals'];

export function approvalRoutes(app: HttpApp, application: Application): void {
  app.get(
    '/api/approvals',
    { schema: { tags, querystring: approvalsQuerySchema, response: { 200: approvalListSchema, ...failures } } },
    async (request) => ({
      approvals: valueOf(await application.approvals(loginOf(request), request.query.status)),
    }),
  );
  app.post(
    '/api/approvals/:id/answer',
    {
      config: perLogin(6_000),
      schema: {
        tags,
        params: idParams,
        body: answerApprovalSchema,
        response: { 202: commandAnswerSchema, ...failures },
      },
    },
    async (request, reply) => {
      const login = loginOf(request);
      const { sessionId, id: approvalId } = valueOf(await application.approval(login, request.params.id));
      const { id, ...answer } = request.body;
      const command = { id, type: 'approval.answer' as const, approvalId, answer };
      reply.code(202);
      return { receipt: valueOf(await application.command(login, sessionId, command)) };
    },
  );
  app.post(
    '/api/approvals/answer',
    {
      config: perLogin(600),
      schema: { tags, body: answerApprovalsSchema, response: { 200: approvalsAnsweredSchema, ...failures } },
    },
    async (request) => valueOf(await application.answerApprovals(loginOf(request), request.body)),
  );
  app.get(
    '/api/approval-rules',
    { schema: { tags, response: { 200: ruleListSchema, ...failures } } },
    async (request) => ({ rules: valueOf(await application.approvalRules(loginOf(request))) }),
  );
  app.delete(
    '/api/approval-rules/:id',
    { schema: { tags, params: idParams, response: { 204: nothing, ...failures } } },
    async (request, reply) => {
      valueOf(await application.deleteApprovalRule(loginOf(request), request.params.id));
      reply.code(204);
    },
  );
}
