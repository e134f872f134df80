// Holds SPEC.md against the tests: every rule has a test that names it, every test names a rule that exists; so does
// every row of its table of requirements.
// Usage: check-spec.mjs [ROOT]
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url));
const rulePattern = /^- \*\*([A-Z]+\d+)\*\*/gm;
/** | S1 | what was promised | RULE1, RULE2 | */
const requirementPattern = /^\| ([A-Z]\d+(?:, [A-Z]\d+)*) \|.*\|(.*)\|$/gm;
/** it('…'), test.each(x)('…'), it.skipIf(y)(`…`): the quoted title. One level of brackets inside the modifier's. */
const titlePattern =
  /(?<![\w.'"`])(?:it|test)(?:\.(?:each|for|skip|skipIf|runIf|only|concurrent|sequential|fails)(?:\((?:[^()]|\([^()]*\))*\))?)*\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g;
const idPattern = /\b[A-Z]{2,}\d+\b/g;

const faults = [];
const rules = new Map();
const spec = readFileSync(join(root, 'SPEC.md'), 'utf8');
for (const [, id] of spec.matchAll(rulePattern)) {
  if (rules.has(id)) faults.push(`SPEC.md: ${id} stands there twice`);
  rules.set(id, 0);
}
const prefixes = new Set([...rules.keys()].map((id) => id.replace(/\d+$/, '')));

for (const file of testFiles()) {
  for (const match of readFileSync(file, 'utf8').matchAll(titlePattern)) {
    const title = match[1] ?? match[2] ?? match[3] ?? '';
    const cited = (title.match(idPattern) ?? []).filter((id) => prefixes.has(id.replace(/\d+$/, '')));
    if (cited.length === 0) faults.push(`${relative(root, file)}: no rule in "${title.slice(0, 80)}"`);
    for (const id of cited) {
      if (rules.has(id)) rules.set(id, rules.get(id) + 1);
      else faults.push(`${relative(root, file)}: there is no rule ${id}`);
    }
  }
}
for (const [, requirement, named] of spec.matchAll(requirementPattern)) {
  const cited = named.match(idPattern) ?? [];
  if (cited.length === 0) faults.push(`SPEC.md: no rule holds ${requirement}`);
  for (const id of cited) if (!rules.has(id)) faults.push(`SPEC.md: ${requirement} names ${id}, which is no rule`);
}
for (const [id, count] of rules) if (count === 0) faults.push(`SPEC.md: no test names ${id}`);
for (const fault of faults) process.stdout.write(`${fault}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;

function testFiles() {
  const packages = join(root, 'packages');
  const directories = existsSync(packages) ? readdirSync(packages).map((name) => join(packages, name, 'test')) : [];
  return [...directories, join(root, 'e2e')].filter((directory) => existsSync(directory)).flatMap(typescriptIn);
}

function typescriptIn(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name));
}
