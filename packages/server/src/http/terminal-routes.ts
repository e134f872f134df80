import { inputAnswerSchema, inputSchema, outputQuerySchema, screenQuerySchema } from '@holdfast/protocol/rest.ts';
import { screenSchema } from '@holdfast/protocol/screen.ts';
import { z } from 'zod';
import type { Application } from '../application/application.ts';
import { failures, type HttpApp, idParams, perLogin } from './app.ts';
import { loginOf } from './guard.ts';
import { valueOf } from './refused.ts';

const tags = ['terminals'];
const plainText = 'text/plain; charset=utf-8';

export function terminalRoutes(app: HttpApp, application: Application): void {
  app.get(
    '/api/sessions/:id/screen',
    {
      schema: {
        tags,
        params: idParams,
        querystring: screenQuerySchema,
        response: {
          200: {
            description: 'text: lines without escapes; ansi: escape sequences that paint it; json: the screen itself',
            content: { 'text/plain': { schema: z.string() }, 'application/json': { schema: screenSchema } },
          },
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const { screen, text } = valueOf(await application.screen(loginOf(request), request.params.id));
      if (request.query.format === 'json') return screen;
      return reply.type(plainText).send(request.query.format === 'ansi' ? screen.ansi : text);
    },
  );
  app.get(
    '/api/sessions/:id/output',
    {
      schema: {
        tags,
        description:
          'Bytes of a terminal from an offset on, as far as they are kept, at most 1 MiB. The header Holdfast-Offset says where they begin.',
        params: idParams,
        querystring: outputQuerySchema,
        response: {
          200: { description: 'bytes', content: { 'application/octet-stream': { schema: z.unknown() } } },
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const { offset, data } = valueOf(
        await application.output(loginOf(request), request.params.id, request.query.from),
      );
      return reply
        .header('holdfast-offset', offset)
        .type('application/octet-stream')
        .send(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    },
  );
  app.post(
    '/api/sessions/:id/input',
    {
      config: perLogin(12_000),
      schema: {
        tags,
        description:
          "Keystrokes, in base64: offset is the place of the first byte in this client's input stream inputId. What came before is not typed again. Answers the offset up to which all has reached the terminal.",
        params: idParams,
        body: inputSchema,
        response: { 200: inputAnswerSchema, ...failures },
      },
    },
    async (request) => {
      const { inputId, offset, data } = request.body;
      const bytes = new Uint8Array(Buffer.from(data, 'base64'));
      return valueOf(await application.input(loginOf(request), request.params.id, { inputId, offset, data: bytes }));
    },
  );
}
