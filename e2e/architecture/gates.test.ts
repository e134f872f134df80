/** Each gate of `npm run check` is shown something that it must not let through. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ESLint } from 'eslint';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

async function complaints(program: string, args: string[]): Promise<string> {
  try {
    await run(process.execPath, [join(root, program), ...args]);
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

function tree(path: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
}

/** Lints a text as if it stood in a file that is part of the project. */
async function lint(file: string, text: string): Promise<string[]> {
  const [result] = await new ESLint({ cwd: root }).lintText(text, { filePath: join(root, file) });
  return (result?.messages ?? []).map((message) => `${message.ruleId ?? 'parse'}: ${message.message}`);
}

it('ARCH1: lint refuses an import that goes sideways or upwards', { timeout: 60_000 }, async () => {
  const upwards = await lint(
    'packages/core/src/session/state.ts',
    `import { authorise } from '@holdfast/server/application/authorise.ts';\nexport const a = authorise;\n`,
  );
  expect(upwards).toContainEqual(expect.stringMatching(/^no-restricted-imports: .*core may not import server/));
  const sideways = await lint(
    'packages/runner/src/runner.ts',
    `import { authorise } from '@holdfast/server/application/authorise.ts';\nexport const a = authorise;\n`,
  );
  expect(sideways).toContainEqual(expect.stringMatching(/^no-restricted-imports: .*runner may not import server/));
});

it('ARCH1: the layer check refuses manifests, references and imports that go upwards', async () => {
  using fixture = temporaryDirectory();
  tree(fixture.path, {
    'packages/core/package.json': JSON.stringify({ dependencies: { '@holdfast/server': '1' } }),
    'packages/core/tsconfig.json': JSON.stringify({ references: [{ path: '../runner' }] }).replaceAll(':"', ': "'),
    'packages/core/src/a.ts': `import { b } from '@holdfast/web/b.ts';\n`,
    'packages/link/package.json': JSON.stringify({ dependencies: {} }),
    'packages/link/src/a.ts': `import { b } from '@holdfast/core/b.ts';\n`,
  });
  const found = await complaints('scripts/check-layers.mjs', [fixture.path]);
  expect(found.trim().split('\n').sort()).toEqual([
    'packages/core/package.json: depends on server, which is not below it',
    'packages/core/src/a.ts: imports web, which is not below core',
    'packages/core/tsconfig.json: refers to runner, which is not below it',
    'packages/link/src/a.ts: imports core, which package.json does not name',
  ]);
});

it('ARCH1: TypeScript refuses what is not referenced', { timeout: 60_000 }, async () => {
  using fixture = temporaryDirectory();
  const project = (references: string[]) =>
    JSON.stringify({
      compilerOptions: { composite: true, emitDeclarationOnly: true, rootDir: '.', outDir: 'out', module: 'nodenext' },
      include: ['*.ts'],
      references: references.map((path) => ({ path })),
    });
  tree(fixture.path, {
    'lower/tsconfig.json': project([]),
    'lower/a.ts': `import { b } from '../upper/b.ts';\nexport const a = b;\n`,
    'upper/tsconfig.json': project(['../lower']),
    'upper/b.ts': 'export const b = 1;\n',
  });
  const found = await complaints('node_modules/typescript/bin/tsc', ['-b', join(fixture.path, 'lower')]);
  expect(found).toMatch(/TS6059|TS6307/);
});

it('ARCH2: lint refuses barrels, floating promises, any, and console', { timeout: 60_000 }, async () => {
  const file = 'packages/core/src/session/state.ts';
  expect(await lint(file, `export * from './apply.ts';\n`)).toContainEqual(expect.stringContaining('No barrels'));
  expect(await lint(file, `export { apply } from './apply.ts';\n`)).toContainEqual(
    expect.stringContaining('No barrels'),
  );
  expect(await lint(file, `export function f() {\n  Promise.resolve(1);\n}\n`)).toContainEqual(
    expect.stringContaining('no-floating-promises'),
  );
  expect(await lint(file, `export const a: any = 1;\n`)).toContainEqual(expect.stringContaining('no-explicit-any'));
  expect(await lint(file, `console.log(1);\n`)).toContainEqual(expect.stringContaining('no-console'));
  expect(await lint(file, `// eslint-disable-next-line no-console\nexport const a = 1;\n`)).toContainEqual(
    expect.stringContaining('Unused eslint-disable'),
  );
});

it('ARCH3: the spec check refuses a rule without a test, a test without a rule, an unknown and a double rule, a requirement held by none', async () => {
  using fixture = temporaryDirectory();
  tree(fixture.path, {
    'SPEC.md':
      '- **LOG1** one\n- **LOG2** two\n- **LOG2** two again\n- **LOG4** four\n| S1 | a | LOG1, LOG5 |\n| S2, S3 | b | |\n',
    'packages/a/test/a.test.ts': [
      `it('LOG1: yes', () => {});`,
      `it.each([1])('LOG2: yes %s', () => {});`,
      `it('something', () => {});`,
      'test.skipIf(f(1))(`LOG3: no such`, () => {});',
    ].join('\n'),
  });
  const found = await complaints('scripts/check-spec.mjs', [fixture.path]);
  expect(found.trim().split('\n')).toEqual([
    'SPEC.md: LOG2 stands there twice',
    'packages/a/test/a.test.ts: no rule in "something"',
    'packages/a/test/a.test.ts: there is no rule LOG3',
    'SPEC.md: S1 names LOG5, which is no rule',
    'SPEC.md: no rule holds S2, S3',
    'SPEC.md: no test names LOG4',
  ]);
});
