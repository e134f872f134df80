// Builds the web app when its sources are not those of the last build. Plain JavaScript: it runs before anything else.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const web = join(root, 'packages/web');
const sources = [
  'package-lock.json',
  'packages/web/package.json',
  'packages/web/vite.config.ts',
  'packages/web/src',
  'packages/web/static',
  'packages/core/src',
  'packages/link/src',
  'packages/protocol/src',
];

/** Says in one line what it does. Throws with the builder's own words when it fails. */
export function buildWeb(say) {
  const note = join(web, 'build/.source-hash');
  const hash = sourceHash();
  if (existsSync(note) && readFileSync(note, 'utf8') === hash) return;
  const began = performance.now();
  say('Building the page …');
  const built = spawnSync(process.execPath, [join(root, 'node_modules/vite/bin/vite.js'), 'build'], {
    cwd: web,
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`the page could not be built:\n${built.stdout}${built.stderr}`);
  writeFileSync(note, hash);
  say(`Built the page in ${((performance.now() - began) / 1_000).toFixed(0)} s.`);
}

function sourceHash() {
  const hash = createHash('sha256');
  for (const file of sources.flatMap((source) => filesUnder(join(root, source)))) {
    hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function filesUnder(path) {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return [];
  if (status.isFile()) return [path];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => join(entry.parentPath, entry.name)).sort();
}
