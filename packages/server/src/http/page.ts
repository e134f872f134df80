/** The web app's own files, and its one HTML page for every address that is a place in the app. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApp } from './app.ts';
import { Refused } from './refused.ts';

const notPlaces = /^\/(?:api|healthz|readyz|metrics|socket\.io|_app)(?:\/|$)/;
const noSuchAddress = { kind: 'not_found', message: 'There is nothing at this address.' } as const;

export async function servePage(app: HttpApp, webRoot: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: webRoot,
    cacheControl: false,
    preCompressed: true,
    setHeaders: (reply, path) => {
      // The build puts a hash of the content into these names.
      const immutable = path.includes('/_app/immutable/');
      reply.header('cache-control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

/** For an address no route has. */
export function answerUnknownAddress(request: FastifyRequest, reply: FastifyReply, page: boolean): FastifyReply {
  const [path = ''] = request.url.split('?');
  const navigation = request.method === 'GET' && (request.headers.accept ?? '').includes('text/html');
  if (page && navigation && !notPlaces.test(path))
    return reply.header('cache-control', 'no-cache').sendFile('index.html');
  throw new Refused(noSuchAddress);
}

/** CSP sources for the inline scripts of the built page (SvelteKit's bootstrap): exactly these may run. */
export function inlineScriptHashes(webRoot: string): string[] {
  const html = readFileSync(join(webRoot, 'index.html'), 'utf8');
  return [...html.matchAll(/<script(?![^>]*\bsrc\s*=)[^>]*>([\s\S]*?)<\/script>/gi)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  );
}

export function contentSecurityPolicy(scriptHashes: readonly string[]): Record<string, string[]> {
  return {
    'default-src': ["'self'"],
    'script-src': ["'self'", ...scriptHashes],
    // xterm.js measures and colours with style elements it makes.
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:', 'blob:'],
    'font-src': ["'self'", 'data:'],
    'connect-src': ["'self'"],
    'worker-src': ["'self'", 'blob:'],
    'manifest-src': ["'self'"],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'self'"],
    'frame-ancestors': ["'none'"],
  };
}
