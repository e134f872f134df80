/** Bodies are JSON and nothing else; no body at all is the same as none given. */
import { limits } from '@holdfast/protocol/limits.ts';
import type { FastifyInstance } from 'fastify';
import { Refused } from './refused.ts';
import { textNestsDeeper } from './json-depth.ts';

export function readJsonBodies(app: FastifyInstance): void {
  // "error": a key like __proto__ is refused, not dropped.
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') return done(null, undefined);
    if (textNestsDeeper(text, limits.jsonDepth)) {
      return done(new Refused({ kind: 'bad_request', message: `JSON may nest at most ${limits.jsonDepth} deep.` }));
    }
    return parse(request, text, (error, value) =>
      error === null
        ? done(null, value)
        : done(new Refused({ kind: 'bad_request', message: 'The body is not valid JSON.' })),
    );
  });
}
