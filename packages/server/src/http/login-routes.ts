import { loginLinkSchema, loginSchema, meSchema, pingSchema } from '@holdfast/protocol/rest.ts';
import type { Authentication, VerifiedLogin } from '../auth/authentication.ts';
import type { OriginPolicy } from '../auth/origin-policy.ts';
import { failures, type HttpApp, nothing, perLogin } from './app.ts';
import { checkOrigin, credentialsOf, loginOf } from './guard.ts';
import { Refused, valueOf } from './refused.ts';

const tags = ['login'];
const meOf = ({ userId, name, via }: VerifiedLogin) => ({ id: userId, name, via });

/** Open to everybody; auth limits how often an address may try. */
export function openLoginRoutes(app: HttpApp, authentication: Authentication, policy: OriginPolicy): void {
  app.post(
    '/api/login',
    {
      schema: {
        tags,
        description: 'Trades the token of a login link, once, for a cookie.',
        security: [],
        body: loginSchema,
        response: { 200: meSchema, ...failures },
      },
    },
    async (request, reply) => {
      checkOrigin(request, policy, false);
      const from = credentialsOf(request);
      const { login, setCookie } = valueOf(await authentication.redeemLoginLink(request.body.token, from));
      reply.header('set-cookie', setCookie);
      return meOf(login);
    },
  );
}

export function loginRoutes(app: HttpApp, authentication: Authentication, policy: OriginPolicy): void {
  app.get('/api/me', { schema: { tags, response: { 200: meSchema, ...failures } } }, async (request, reply) => {
    const login = loginOf(request);
    if (login.via === 'cookie') reply.header('set-cookie', await authentication.refresh(credentialsOf(request)));
    return meOf(login);
  });
  app.get(
    '/api/ping',
    {
      schema: {
        tags,
        description: 'Answers the nonce: the way there and back works, and the login is valid.',
        querystring: pingSchema,
        response: { 200: pingSchema, ...failures },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return { nonce: request.query.nonce };
    },
  );
  app.post('/api/logout', { schema: { tags, response: { 204: nothing, ...failures } } }, async (request, reply) => {
    if (loginOf(request).via === 'key') {
      throw new Refused({ kind: 'bad_request', message: 'A key has no login to end.' });
    }
    reply.header('set-cookie', await authentication.logout(credentialsOf(request))).code(204);
  });
  app.post(
    '/api/login-links',
    {
      config: perLogin(10),
      schema: {
        tags,
        description: 'A link that logs another device in, once, within 15 minutes.',
        response: { 201: loginLinkSchema, ...failures },
      },
    },
    async (request, reply) => {
      const { path, expiresAt } = await authentication.createLoginLink();
      const origin = policy.publicUrl ?? request.headers.origin ?? `http://${request.headers.host}`;
      reply.code(201).header('cache-control', 'no-store');
      return { url: `${origin}${path}`, path, expiresAt };
    },
  );
}
