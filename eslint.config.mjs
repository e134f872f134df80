import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import tseslint from 'typescript-eslint';
import { forbiddenFor, levels } from './scripts/layers.mjs';

const noBarrels = [
  { selector: 'ExportAllDeclaration', message: 'No barrels: import from the file that has it.' },
  { selector: 'ExportNamedDeclaration[source]', message: 'No barrels: import from the file that has it.' },
];

/** Sources of one package may only reach below it. */
const layers = Object.keys(levels).map((name) => ({
  files: [`packages/${name}/src/**/*.{ts,svelte}`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          ...forbiddenFor(name).map((other) => ({
            group: [`@holdfast/${other}`, `@holdfast/${other}/*`, `@holdfast/${other}/**`],
            message: `${name} may not import ${other}: imports go only to a lower layer (ARCHITECTURE.md).`,
          })),
          { regex: '^(\\.\\./)+([a-z]+)/src/', message: 'Another package is imported by its name.' },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  {
    ignores: ['**/build/**', '**/.svelte-kit/**', '**/node_modules/**', 'coverage/**', 'e2e/artifacts/**'],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.svelte'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['./packages/*/tsconfig.json', './tsconfig.tests.json'],
        extraFileExtensions: ['.svelte'],
      },
    },
    rules: {
      'no-restricted-syntax': ['error', ...noBarrels],
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Interfaces decide what is a promise; an implementation that needs no await is still one.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { arguments: false, attributes: false } },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ['packages/web/**/*.svelte'],
    extends: [svelte.configs.recommended],
    languageOptions: { parserOptions: { parser: tseslint.parser }, globals: globals.browser },
  },
  { files: ['packages/web/src/**'], languageOptions: { globals: globals.browser } },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: globals.node },
    extends: [tseslint.configs.disableTypeChecked],
  },
  ...layers,
);
