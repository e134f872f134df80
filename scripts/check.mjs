// npm run check: everything about the code that can be known without running it. All checks run, whatever fails.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tool = (path, ...args) => [join(root, 'node_modules', path), ...args];
const sources = 'packages/*/src/**';
const lint = (...args) => tool('eslint/bin/eslint.js', '--max-warnings=0', ...args);
/** As many as the smallest machine has cores. */
const atOnce = 2;

const checks = [
  { name: 'types', command: tool('typescript/bin/tsc', '-b') },
  // In two halves, since it takes as long as all the rest: what is in the one is not in the other.
  { name: 'lint of sources', command: lint(sources) },
  { name: 'lint of the rest', command: lint('.', `--ignore-pattern=${sources}`) },
  {
    name: 'page',
    command: tool('svelte-check/bin/svelte-check', '--fail-on-warnings', '--output', 'human'),
    in: 'packages/web',
  },
  { name: 'format', command: tool('prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.') },
  { name: 'dead code', command: tool('knip/bin/knip.js', '--no-progress') },
  { name: 'layers', command: [join(root, 'scripts/check-layers.mjs')] },
  { name: 'spec', command: [join(root, 'scripts/check-spec.mjs')] },
].filter((check) => existsSync(check.command[0]));

let failed = 0;
// Lint reads the declarations that the compiler writes, so that comes first and alone.
const waiting = checks.slice(0, 1);
await work();
waiting.push(...checks.slice(1));
await Promise.all(Array.from({ length: atOnce }, work));
process.stdout.write(failed === 0 ? 'All checks are green.\n' : `${failed} of ${checks.length} checks failed.\n`);
process.exitCode = failed === 0 ? 0 : 1;

async function work() {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const began = performance.now();
    const { code, output } = await run(check);
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    process.stdout.write(`${code === 0 ? 'ok  ' : 'FAIL'} ${check.name} (${seconds} s)\n`);
    if (code === 0) continue;
    failed += 1;
    process.stdout.write(output.replace(/^/gm, '     ').trimEnd() + '\n');
  }
}

function run(check) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, check.command, { cwd: join(root, check.in ?? '.') });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('close', (code) => resolve({ code, output }));
  });
}
