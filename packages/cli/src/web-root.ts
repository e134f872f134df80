import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The built web app, or null when it has not been built (the API works all the same). */
export function webRoot(): string | null {
  const path = fileURLToPath(new URL('../../web/build', import.meta.url));
  return existsSync(`${path}/index.html`) ? path : null;
}
