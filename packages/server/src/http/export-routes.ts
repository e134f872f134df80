/** Sessions as files to keep. A file is sent as it is read; one that cannot be finished is broken off, never closed. */
import { Readable } from 'node:stream';
import { type ExportFormat, exportManyQuerySchema, exportQuerySchema } from '@holdfast/protocol/export.ts';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Application } from '../application/application.ts';
import type { VerifiedLogin } from '../auth/authentication.ts';
import { failures, type HttpApp, idParams, perLogin } from './app.ts';
import { fileNameOf, contentDisposition } from './file-name.ts';
import { documentOf, joined, jsonOf, linesOf, markdownOf } from './export-text.ts';
import { loginOf } from './guard.ts';
import { Refused, valueOf } from './refused.ts';

const tags = ['export'];
/** Of one login, sent at the same time. */
const underWayLimit = 4;
/** Of text between reading and sending, bytes. */
const buffered = 64 * 1024;

const types = {
  markdown: { type: 'text/markdown', ending: 'md' },
  json: { type: 'application/json', ending: 'json' },
  lines: { type: 'application/x-ndjson', ending: 'ndjson' },
} as const;
const text = { schema: z.string() };

export function exportRoutes(app: HttpApp, application: Application): void {
  const underWay = new Map<string, number>();

  const admit = ({ loginId }: VerifiedLogin): (() => void) => {
    const current = underWay.get(loginId) ?? 0;
    if (current >= underWayLimit) {
      const message = `${underWayLimit} exports are under way, which is the limit. Wait until one is done.`;
      throw new Refused({ kind: 'quota_exceeded', message, details: { limit: underWayLimit, current } });
    }
    underWay.set(loginId, current + 1);
    return () => {
      const left = (underWay.get(loginId) ?? 1) - 1;
      if (left > 0) underWay.set(loginId, left);
      else underWay.delete(loginId);
    };
  };

  const send = (
    reply: FastifyReply,
    login: VerifiedLogin,
    file: { readonly as: keyof typeof types; readonly name: string; readonly text: AsyncIterable<string> },
  ): FastifyReply => {
    const { type, ending } = types[file.as];
    const release = admit(login);
    const stream = Readable.from(joined(file.text), { objectMode: false, highWaterMark: buffered });
    stream.once('close', release);
    return reply
      .header('content-disposition', contentDisposition(`${file.name}.${ending}`))
      .header('cache-control', 'no-store')
      .type(`${type}; charset=utf-8`)
      .send(stream);
  };

  app.get(
    '/api/sessions/:id/export',
    {
      config: perLogin(60),
      schema: {
        tags,
        description:
          'All of a session that is stored now, as a file. json: its descriptor and every fact; markdown: to be read. A connection that ends before the answer does is an export that could not be finished.',
        params: idParams,
        querystring: exportQuerySchema,
        response: {
          200: { description: 'the file', content: { 'application/json': text, 'text/markdown': text } },
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const login = loginOf(request);
      const { format } = request.query;
      const exported = valueOf(await application.exportSession(login, request.params.id));
      const { title, id } = exported.head.session;
      const written = format === 'json' ? jsonOf(exported) : markdownOf(exported);
      return send(reply, login, { as: format, name: fileNameOf(title, id), text: written });
    },
  );
  app.get(
    '/api/sessions/export',
    {
      config: perLogin(10),
      schema: {
        tags,
        description:
          'Many sessions as one file: what was archived, or what retention would remove now. json: a JSON value a line (session, its facts, the next session …, end); markdown: one document.',
        querystring: exportManyQuerySchema,
        response: {
          200: { description: 'the file', content: { 'application/x-ndjson': text, 'text/markdown': text } },
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const login = loginOf(request);
      const { format, which } = request.query;
      const sessions = application.exportSessions(login, which);
      const day = new Date().toISOString().slice(0, 10);
      return send(reply, login, { ...many(format, sessions), name: `holdfast-${which}-${day}` });
    },
  );
}

function many(format: ExportFormat, sessions: ReturnType<Application['exportSessions']>) {
  return format === 'json'
    ? ({ as: 'lines', text: linesOf(sessions) } as const)
    : ({ as: 'markdown', text: documentOf(sessions) } as const);
}
