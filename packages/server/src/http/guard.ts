/** What stands before every handler: is the name ours, who asks, and may this page ask with that cookie. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Authentication, Credentials, VerifiedLogin } from '../auth/authentication.ts';
import { hostAllowed, originAllowed, type OriginPolicy } from '../auth/origin-policy.ts';
import { Refused, valueOf } from './refused.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the guard before any guarded handler. */
    login: VerifiedLogin | null;
  }
}

/** For the whole server: AUTH4. */
export function guardHost(app: FastifyInstance, policy: OriginPolicy): void {
  app.decorateRequest('login', null);
  app.addHook('onRequest', async (request) => {
    if (hostAllowed(policy, request.headers.host)) return;
    throw new Refused({
      kind: 'forbidden',
      message: 'This server does not go by that name. Set HOLDFAST_PUBLIC_URL to the address browsers use.',
    });
  });
}

/** For the scope it is called in: AUTH1, AUTH3. Runs before the body is read. */
export function guardLogin(app: FastifyInstance, authentication: Authentication, policy: OriginPolicy): void {
  app.addHook('onRequest', async (request) => {
    const login = valueOf(await authentication.login(credentialsOf(request)));
    if (login.via === 'cookie') checkOrigin(request, policy, !safeMethods.has(request.method));
    request.login = login;
  });
}

const safeMethods = new Set(['GET', 'HEAD']);

/** required: a request without an Origin is refused too. */
export function checkOrigin(request: FastifyRequest, policy: OriginPolicy, required: boolean): void {
  const { origin, host } = request.headers;
  if (origin === undefined && !required) return;
  if (originAllowed(policy, origin, host)) return;
  throw new Refused({
    kind: 'forbidden',
    message:
      origin === undefined
        ? 'A change asked for with a cookie needs the Origin header. Programs use an API key.'
        : 'Another page may not ask this server for anything.',
  });
}

export function credentialsOf(request: FastifyRequest): Credentials {
  const { authorization, cookie } = request.headers;
  return { authorization, cookie, userAgent: request.headers['user-agent'], address: request.ip };
}

/** In a guarded scope only. */
export function loginOf(request: FastifyRequest): VerifiedLogin {
  if (request.login === null) throw new Error('a handler outside the guard asked for the login');
  return request.login;
}
