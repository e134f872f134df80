/** Syntax colours, loaded when the first code is shown; each language only when it is met. Colours are CSS variables. */
import type { HighlighterCore } from 'shiki/core';

type LanguageModule = Promise<{ default: unknown }>;

const languages: Record<string, () => LanguageModule> = {
  bash: () => import('shiki/langs/bash.mjs'),
  c: () => import('shiki/langs/c.mjs'),
  css: () => import('shiki/langs/css.mjs'),
  diff: () => import('shiki/langs/diff.mjs'),
  dockerfile: () => import('shiki/langs/dockerfile.mjs'),
  go: () => import('shiki/langs/go.mjs'),
  html: () => import('shiki/langs/html.mjs'),
  java: () => import('shiki/langs/java.mjs'),
  javascript: () => import('shiki/langs/javascript.mjs'),
  json: () => import('shiki/langs/json.mjs'),
  markdown: () => import('shiki/langs/markdown.mjs'),
  python: () => import('shiki/langs/python.mjs'),
  rust: () => import('shiki/langs/rust.mjs'),
  sql: () => import('shiki/langs/sql.mjs'),
  svelte: () => import('shiki/langs/svelte.mjs'),
  toml: () => import('shiki/langs/toml.mjs'),
  tsx: () => import('shiki/langs/tsx.mjs'),
  typescript: () => import('shiki/langs/typescript.mjs'),
  yaml: () => import('shiki/langs/yaml.mjs'),
};

const aliases: Record<string, string> = {
  cc: 'c',
  cpp: 'c',
  cjs: 'javascript',
  cts: 'typescript',
  h: 'c',
  hpp: 'c',
  htm: 'html',
  js: 'javascript',
  jsonc: 'json',
  jsx: 'tsx',
  md: 'markdown',
  mjs: 'javascript',
  mts: 'typescript',
  patch: 'diff',
  py: 'python',
  rs: 'rust',
  sh: 'bash',
  shell: 'bash',
  ts: 'typescript',
  yml: 'yaml',
  zsh: 'bash',
};

/** A language's own name for what a fence or a file's ending calls it; null when it is not known here. */
export function languageOf(name: string): string | null {
  const lower = name.toLowerCase();
  const known = aliases[lower] ?? lower;
  return known in languages ? known : null;
}

export const languageOfPath = (path: string): string | null => languageOf(path.split('.').at(-1) ?? '');

export interface Token {
  readonly text: string;
  /** A CSS colour; undefined: the text's own. */
  readonly colour: string | undefined;
}

/** More than this, in characters, is shown plain: colouring would hold up the page. */
const longest = 60_000;

let highlighter: Promise<HighlighterCore> | undefined;
const loaded = new Map<string, Promise<void>>();

async function createHighlighter(): Promise<HighlighterCore> {
  const [{ createHighlighterCore, createCssVariablesTheme }, { createJavaScriptRegexEngine }] = await Promise.all([
    import('shiki/core'),
    import('shiki/engine/javascript'),
  ]);
  const theme = createCssVariablesTheme({ name: 'page', variablePrefix: '--shiki-', fontStyle: false });
  return createHighlighterCore({
    themes: [theme],
    langs: [],
    engine: createJavaScriptRegexEngine({ forgiving: true }),
  });
}

/** The lines of `code` as coloured pieces; null when there is nothing to colour. */
export async function highlight(code: string, language: string | null): Promise<readonly (readonly Token[])[] | null> {
  const load = language === null ? undefined : languages[language];
  if (language === null || load === undefined || code.length > longest) return null;
  const ready = await (highlighter ??= createHighlighter());
  let loading = loaded.get(language);
  if (loading === undefined) {
    loading = load().then((module) => ready.loadLanguage(module.default as Parameters<typeof ready.loadLanguage>[0]));
    loaded.set(language, loading);
  }
  await loading;
  const lines = ready.codeToTokensBase(code, { lang: language, theme: 'page' });
  return lines.map((line) => line.map(({ content, color }) => ({ text: content, colour: color })));
}
