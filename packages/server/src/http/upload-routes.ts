/** Files a person hands over. The body of a PUT is bytes, read as they come and never kept whole. */
import { Readable } from 'node:stream';
import { idSchema } from '@holdfast/protocol/id.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import { imageMediaTypes, putUploadQuerySchema, uploadStateSchema } from '@holdfast/protocol/upload.ts';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { UploadCalls } from '../application/application.ts';
import { failures, type HttpApp, nothing, perLogin } from './app.ts';
import { loginOf } from './guard.ts';
import { Refused, valueOf } from './refused.ts';

const tags = ['uploads'];
const path = '/api/sessions/:id/uploads/:uploadId';
const params = z.object({ id: idSchema, uploadId: idSchema });
const octets = 'application/octet-stream';

/** A scope of its own: other routes take no such bodies. */
export async function uploadRoutes(app: HttpApp, uploads: UploadCalls): Promise<void> {
  await app.register(async (scope: HttpApp) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(octets, (_request, payload, done) => done(null, payload));
    scope.put(
      path,
      {
        config: perLogin(12_000),
        schema: {
          tags,
          description:
            'Bytes of a file from `offset` on, as application/octet-stream, at most 1 MiB a request. Repeating what is there changes nothing. 409 with details.offset: bytes are missing before it, go on from there. 409 without: another file was begun under this id.',
          consumes: [octets],
          params,
          querystring: putUploadQuerySchema,
          response: { 200: uploadStateSchema, ...failures },
        },
      },
      async (request, reply) => {
        const { id, uploadId } = request.params;
        const body = bodyOf(request, () => reply.header('connection', 'close'));
        return valueOf(await uploads.put(loginOf(request), id, uploadId, request.query, body));
      },
    );
    scope.get(
      path,
      { schema: { tags, description: 'How far it is.', params, response: { 200: uploadStateSchema, ...failures } } },
      async (request) => valueOf(await uploads.state(loginOf(request), request.params.id, request.params.uploadId)),
    );
    scope.delete(
      path,
      { schema: { tags, params, response: { 204: nothing, ...failures } } },
      async (request, reply) => {
        valueOf(await uploads.remove(loginOf(request), request.params.id, request.params.uploadId));
        reply.code(204);
      },
    );
    scope.get(
      `${path}/content`,
      {
        schema: {
          tags,
          description: 'A whole file. Only PNG, JPEG, GIF and WebP are shown by browsers; all else is saved.',
          params,
          response: {
            200: { description: 'bytes', content: { [octets]: { schema: z.unknown() } } },
            ...failures,
          },
        },
      },
      async (request, reply) => {
        const { id, uploadId } = request.params;
        const { upload, bytes } = valueOf(await uploads.content(loginOf(request), id, uploadId));
        const etag = `"${upload.id}"`;
        // What an id names never changes; asked for each time, because the next one here may be somebody else.
        reply.header('etag', etag).header('cache-control', 'private, no-cache');
        if (request.headers['if-none-match'] === etag) return reply.code(304).send();
        const image = imageMediaTypes.has(upload.mediaType);
        const disposition = `${image ? 'inline' : 'attachment'}; filename*=UTF-8''${quoted(upload.name)}`;
        return reply
          .header('content-length', upload.size)
          .header('content-disposition', disposition)
          .header('content-security-policy', "default-src 'none'; sandbox")
          .header('x-content-type-options', 'nosniff')
          .type(image ? upload.mediaType : octets)
          .send(Readable.from(bytes, { objectMode: false }));
      },
    );
  });
}

/** payload_too_large by its length, before it is read, or as soon as it is over. close: the rest will not be read. */
function bodyOf(request: FastifyRequest, close: () => void): AsyncIterable<Uint8Array> {
  const tooLarge = (): Refused => {
    close();
    return new Refused({
      kind: 'payload_too_large',
      message: `One request takes ${limits.requestBytes} bytes of a file; send the rest with the next.`,
      details: { limitBytes: limits.requestBytes },
    });
  };
  if (Number(request.headers['content-length'] ?? 0) > limits.requestBytes) throw tooLarge();
  if (!(request.body instanceof Readable)) return Readable.from([]);
  // Its end is the answer, whatever is left unread.
  return bounded(request.body.iterator({ destroyOnReturn: false }), tooLarge);
}

async function* bounded(body: AsyncIterable<Uint8Array>, tooLarge: () => Refused): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limits.requestBytes) throw tooLarge();
    yield chunk;
  }
}

/** As RFC 8187 wants it. */
const quoted = (name: string): string =>
  encodeURIComponent(name).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
