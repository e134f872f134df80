// npm test: sets up what the tests need, then checks and runs everything. Works on a fresh clone under an old Node:
// it installs the dependencies first and goes on under the Node that came with them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const ownNode = join(root, 'node_modules/.bin/node');
const filters = process.argv.slice(2);
const say = (line) => process.stdout.write(`${line}\n`);

process.chdir(root);
installDependencies();
goOnUnderOwnNode();
installPrograms();
const { buildWeb } = await import('./build-web.mjs');
buildWeb(say);
const checked = filters.length > 0 || run(process.execPath, ['scripts/check.mjs']);
process.exitCode = runTests() && checked ? 0 : 1;

function installDependencies() {
  if (existsSync('node_modules/.package-lock.json') && existsSync('node_modules/vitest')) return;
  say('Installing dependencies (npm ci) …');
  if (!run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])) process.exit(1);
}

function goOnUnderOwnNode() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return;
  if (!existsSync(ownNode)) {
    say(
      `These tests need Node 24 and npm brought none for ${process.platform}-${process.arch}: install it, then run npm test again.`,
    );
    process.exit(1);
  }
  const path = `${join(root, 'node_modules/.bin')}:${process.env.PATH}`;
  const again = spawnSync(ownNode, [fileURLToPath(import.meta.url), ...filters], {
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  });
  process.exit(again.status ?? 1);
}

/** On Debian as root they are installed; elsewhere the tests that need them are skipped, and this says how to get them. */
function installPrograms() {
  const missing = ['chromium', 'vim', 'git', 'curl', 'zsh', 'fish'].filter((name) => !has(name));
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() !== 0 || !has('apt-get')) {
    say(`Not here: ${missing.join(', ')}. Tests that need them are skipped. To run them too: ${command}`);
    return;
  }
  say(`Installing ${missing.join(', ')} …`);
  const quiet = { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  const updated = spawnSync('apt-get', ['update', '-qq'], quiet);
  const installed = spawnSync('apt-get', command.split(' ').slice(1).concat('-qq'), quiet);
  if (updated.status !== 0 || installed.status !== 0) {
    say(`They could not be installed; tests that need them are skipped.\n${installed.stderr}`);
  }
}

function has(program) {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, program)));
}

function runTests() {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  const report = join(directory, 'report.json');
  try {
    run(process.execPath, [
      ...[
        'node_modules/vitest/vitest.mjs',
        'run',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
      ],
      ...filters,
    ]);
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, success } = JSON.parse(
      readFileSync(report, 'utf8'),
    );
    say(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests + numTodoTests} skipped`);
    return success && numFailedTests === 0;
  } catch (error) {
    say(`The tests could not be run: ${error.message}\n0 passed, 1 failed, 0 skipped`);
    return false;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function run(program, args) {
  return spawnSync(program, args, { stdio: 'inherit' }).status === 0;
}
