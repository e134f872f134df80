import { Failure } from './failure.ts';

/** Of what somebody typed. Failure: it is no origin of a server. */
export function serverOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.search !== '') {
    throw new Failure('usage', `A server is named like https://holdfast.example.org, not "${text}".`);
  }
  return url.origin;
}
