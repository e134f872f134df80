/** The one place where a failure becomes an answer: always `{error: {kind, message, …}}` under the kind's status. */
import type { Socket } from 'node:net';
import { type ErrorBody, type ErrorKind, errorStatus } from '@holdfast/protocol/error.ts';
import { limits } from '@holdfast/protocol/limits.ts';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors, type ZodFastifySchemaValidationError } from 'fastify-type-provider-zod';
import { unexpectedError } from '../application/unexpected.ts';
import { type Issue, issuesError } from './issues.ts';
import { Refused } from './refused.ts';

export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const body = bodyOf(error, request);
  if (body.kind === 'unauthenticated') reply.header('www-authenticate', 'Bearer');
  if (body.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(body.retryAfterMs / 1_000));
  return reply.code(errorStatus[body.kind]).type('application/json; charset=utf-8').send({ error: body });
}

/** What never became a request: broken HTTP, headers over their limit, a client that does not finish. */
export function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const overflow = error.code === 'HPE_HEADER_OVERFLOW';
  const kind: ErrorKind = overflow ? 'payload_too_large' : 'bad_request';
  const message = overflow ? 'The headers are larger than this server reads.' : 'This is not valid HTTP.';
  const text = JSON.stringify({ error: { kind, message } });
  const status = overflow ? '413 Payload Too Large' : '400 Bad Request';
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

function bodyOf(error: unknown, request: FastifyRequest): ErrorBody {
  if (error instanceof Refused) return error.body;
  if (hasZodFastifySchemaValidationErrors(error)) return issuesError(error.validation.map(issueOf));
  const { code, statusCode } = error as Partial<FastifyError>;
  const known = code === undefined ? undefined : frameworkErrors[code];
  if (known !== undefined) return known;
  if (request.raw.readableAborted) return { kind: 'bad_request', message: 'The request was broken off.' };
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return {
      kind: statusCode === 404 || statusCode === 403 ? 'not_found' : 'bad_request',
      message: 'The request cannot be read.',
    };
  }
  return unexpectedError(error, request.id, { route: request.routeOptions.url }, request.log);
}

const frameworkErrors: Readonly<Record<string, ErrorBody>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: {
    kind: 'payload_too_large',
    message: `A body may have at most ${limits.requestBytes} bytes.`,
    details: { limitBytes: limits.requestBytes },
  },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    kind: 'bad_request',
    message: 'Bodies must be JSON, sent with the header content-type: application/json.',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { kind: 'bad_request', message: 'The body is not as long as it says.' },
  FST_ERR_BAD_URL: { kind: 'bad_request', message: 'The address cannot be decoded.' },
  FST_ERR_MAX_PARAM_LENGTH: { kind: 'bad_request', message: 'A part of the address is too long.' },
};

function issueOf(error: ZodFastifySchemaValidationError): Issue {
  const params = error.params as Pick<Issue, 'discriminator' | 'options' | 'values'>;
  return {
    path: error.instancePath.split('/').filter((part) => part !== ''),
    code: error.keyword,
    message: error.message ?? 'does not fit',
    discriminator: params.discriminator,
    options: params.options,
    values: params.values,
  };
}
