// Fails when a package's manifest, its TypeScript references or its sources reach sideways or upwards, or when a source
// imports a workspace package that its manifest does not name. Usage: check-layers.mjs [ROOT]
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forbiddenFor, levels } from './layers.mjs';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const faults = Object.keys(levels).flatMap(faultsOf);
for (const fault of faults) process.stdout.write(`${fault}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;

function faultsOf(name) {
  const directory = join(root, 'packages', name);
  if (!existsSync(join(directory, 'package.json'))) return [];
  const forbidden = new Set(forbiddenFor(name));
  const { dependencies = {} } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const declared = Object.keys(dependencies).flatMap((dependency) => /^@holdfast\/(.+)/.exec(dependency)?.[1] ?? []);
  const found = declared
    .filter((other) => forbidden.has(other))
    .map((other) => `packages/${name}/package.json: depends on ${other}, which is not below it`);
  for (const other of referencesOf(directory)) {
    if (forbidden.has(other)) found.push(`packages/${name}/tsconfig.json: refers to ${other}, which is not below it`);
  }
  for (const file of sourcesOf(join(directory, 'src'))) {
    for (const [, other] of readFileSync(file, 'utf8').matchAll(/from '@holdfast\/([a-z0-9]+)\//g)) {
      const place = relative(root, file);
      if (forbidden.has(other)) found.push(`${place}: imports ${other}, which is not below ${name}`);
      else if (other !== name && !declared.includes(other))
        found.push(`${place}: imports ${other}, which package.json does not name`);
    }
  }
  return found;
}

function referencesOf(directory) {
  const file = join(directory, 'tsconfig.json');
  if (!existsSync(file)) return [];
  return [...readFileSync(file, 'utf8').matchAll(/"path":\s*"\.\.\/([a-z0-9]+)"/g)].map(([, other]) => other);
}

function sourcesOf(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|svelte)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}
