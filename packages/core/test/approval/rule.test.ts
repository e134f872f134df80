import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RuleMatch } from '@holdfast/protocol/rule.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainWords } from '../../src/approval/plain-words.ts';
import { matches, ruleFault } from '../../src/approval/rule.ts';
import { suggestRules } from '../../src/approval/suggest.ts';

const cwd = '/work/app';
const bash = (command: unknown, more: object = {}) => ({ tool: 'Bash', input: { command, ...more }, cwd });
const file = (path: unknown, more: object = {}) => ({ tool: 'Edit', input: { file_path: path, ...more }, cwd });
const status: RuleMatch = { kind: 'prefix', tool: 'Bash', words: ['git', 'status'] };
const inWork: RuleMatch = { kind: 'folder', tool: 'Edit', folder: '/work/app/src' };

describe('a prefix of words', () => {
  it.each([
    'git status',
    'git status -s',
    '  git   status  ',
    'git status \'a b; rm -rf /\' "c & d"',
    'git status --porcelain=v2 src/a.ts',
  ])('APPR6: allows %j', (command) => {
    expect(matches(status, bash(command))).toBe(true);
  });

  it.each([
    'git status && rm -rf /',
    'git status; rm -rf /',
    'git status -s;ls',
    'git status -s&ls',
    'git status a|sh',
    'git status | sh',
    'git status & rm x',
    'git status\nrm -rf /',
    'git status\rrm -rf /',
    'git status $(rm -rf /)',
    'git status `rm -rf /`',
    'git status "$(rm -rf /)"',
    'git status "`rm x`"',
    'git status $HOME',
    'git status > /etc/passwd',
    'git status < x',
    'git status \\\nrm',
    'git status *',
    'git status {a,b}',
    'git status ~root',
    'git status !!',
    'git status # rm',
    "git status 'open",
    'git status "open',
    'git status <(rm x)',
    'git statusx',
    'git "status"',
    'git\tstatus',
    'x=1 git status',
    'git -c alias.status=!rm status',
    'git',
    '',
    'git status \u2028rm',
    'git status \u202erm',
    'git status \u0000',
  ])('APPR6: does not allow %j', (command) => {
    expect(matches(status, bash(command))).toBe(false);
  });

  it('APPR6: no text behind the words makes a shell do anything else than run them', () => {
    // A real shell is asked: `true` with any words that match leaves no trace, whatever stands behind it.
    const directory = mkdtempSync(join(tmpdir(), 'rule-'));
    const only: RuleMatch = { kind: 'prefix', tool: 'Bash', words: ['true'] };
    const attempts = [
      '; touch x',
      '&& touch x',
      '$(touch x)',
      '`touch x`',
      '> x',
      '\ntouch x',
      "'",
      '"',
      '\\',
      ' ',
      'a',
    ];
    try {
      fc.assert(
        fc.property(fc.array(fc.constantFrom(...attempts), { maxLength: 6 }), (parts) => {
          const command = `true ${parts.join('')}`;
          if (!matches(only, bash(command))) return;
          execFileSync('/bin/bash', ['-c', command], { cwd: directory, stdio: 'ignore' });
          expect(readdirSync(directory)).toEqual([]);
        }),
        { numRuns: 200 },
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('APPR6: any text with a sign of the shell outside of quotes matches no prefix', () => {
    const sign = fc.constantFrom(...'&|;<>()$`\\*?[]{}!#~^\n\r\t\u0000');
    const text = fc.oneof(fc.stringMatching(/^[a-z0-9 =./-]{0,9}$/), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(text, sign, text, (before, one, after) => {
        const unquoted = before.replaceAll(/['"]/g, '');
        expect(plainWords(`git status ${unquoted}${one}${after}`)).toBeNull();
      }),
    );
  });

  it('APPR6: what matches is the words themselves, and more words behind them', () => {
    const bare = fc.stringMatching(/^[a-z0-9._/-]{1,8}$/);
    fc.assert(
      fc.property(fc.array(bare, { minLength: 1, maxLength: 6 }), fc.nat(5), (words, cut) => {
        const prefix = words.slice(0, cut + 1);
        const match: RuleMatch = { kind: 'prefix', tool: 'Bash', words: prefix };
        expect(matches(match, bash(words.join(' ')))).toBe(ruleFault(match) === null);
        expect(matches(match, bash(['x', ...words].join(' ')))).toBe(
          ruleFault(match) === null && words.every((w) => w === 'x'),
        );
      }),
    );
  });

  it('APPR6: nobody can make a rule for a program that runs what it is given', () => {
    const faultOf = (...words: string[]) => ruleFault({ kind: 'prefix', tool: 'Bash', words });
    for (const words of [
      ['sh'],
      ['/bin/bash', '-c'],
      ['sudo', 'ls'],
      ['git'],
      ['git', '-c'],
      ['npm', 'exec'],
      ['find', '.'],
    ]) {
      expect(faultOf(...words), words.join(' ')).toMatch(/can run anything/);
      expect(matches({ kind: 'prefix', tool: 'Bash', words }, bash(`${words.join(' ')} x`))).toBe(false);
    }
    for (const words of [['git status'], ["'git'"], ['git', ''], ['a;b'], ['a\nb']]) {
      expect(faultOf(...words)).toMatch(/plain/);
    }
    expect(faultOf('git', 'push')).toBeNull();
  });
});

describe('an exact command', () => {
  const exact = (command: string): RuleMatch => ({ kind: 'command', tool: 'Bash', command });

  it('APPR6: is this one and no other, in the same tool, with nothing beside it', () => {
    const rule = exact('make test && make install');
    expect(matches(rule, bash('make test && make install', { description: 'x', timeout: 5 }))).toBe(true);
    expect(matches(rule, bash('make test && make install '))).toBe(false);
    expect(matches(rule, { ...bash('make test && make install'), tool: 'Other' })).toBe(false);
    expect(matches(rule, bash('make test && make install', { cwd: '/elsewhere' }))).toBe(false);
    expect(matches(rule, bash('make test && make install', { dangerouslyDisableSandbox: true }))).toBe(false);
    expect(matches(rule, bash(['make test && make install']))).toBe(false);
  });

  it('APPR6: what may have been cut on the way is never allowed by one', () => {
    const long = 'x'.repeat(5_000);
    expect(matches({ kind: 'command', tool: 'Bash', command: long }, bash(long))).toBe(false);
    const cut = 'a\n… 70000 bytes left out …\nb';
    expect(matches(exact(cut), bash(cut))).toBe(false);
    expect(ruleFault(exact(cut))).toMatch(/one line/);
  });
});

describe('a folder', () => {
  it.each(['/work/app/src/a.ts', 'src/a.ts', './src//deep/../a.ts', '/work/app/src', 'src/ä b.ts'])(
    'APPR6: %j is in it unless it goes up',
    (path) => {
      expect(matches(inWork, file(path))).toBe(!path.includes('..'));
    },
  );

  it.each([
    '/work/app/src/../../../etc/passwd',
    'src/../../x',
    '/work/app/src-other/a.ts',
    '/work/app/srcx',
    '/etc/passwd',
    '~/a.ts',
    '',
    'src/a\n… 5 bytes left out …\nb',
    42,
    null,
  ])('APPR6: %j is not', (path) => {
    expect(matches(inWork, file(path))).toBe(false);
  });

  it('APPR6: whatever the path, one that matches is below the folder and goes nowhere else', () => {
    const part = fc.constantFrom('..', '.', '', 'src', 'a', 'work', 'app', '~', 'src2', '\u0000', '...');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), fc.boolean(), (parts, absolute) => {
        const path = `${absolute ? '/' : ''}${parts.join('/')}`;
        if (!matches(inWork, file(path))) return;
        const real = new URL(`file://${path.startsWith('/') ? '' : `${cwd}/`}${path}`).pathname.replaceAll(/\/+/g, '/');
        expect(real.replace(/\/$/, '')).toMatch(/^\/work\/app\/src(?:\/|$)/);
      }),
      { numRuns: 2_000 },
    );
  });

  it('APPR6: a call with a second path, or with what nobody knows, is not allowed by one', () => {
    expect(matches(inWork, file('src/a.ts', { content: 'x' }))).toBe(true);
    expect(matches(inWork, file('src/a.ts', { path: '/etc/passwd' }))).toBe(false);
    expect(matches(inWork, file('src/a.ts', { destination: '/etc/passwd' }))).toBe(false);
    expect(matches(inWork, { tool: 'Edit', input: { path: 'src', pattern: '/etc/**' }, cwd })).toBe(false);
    for (const folder of ['/', 'src', '/a/../b', '/a/', '//a']) {
      expect(ruleFault({ kind: 'folder', tool: 'Edit', folder }), folder).not.toBeNull();
    }
  });
});

describe('a host, and a tool', () => {
  const example: RuleMatch = { kind: 'host', tool: 'WebFetch', host: 'example.org' };
  it.each([
    ['https://example.org/a?b', true],
    ['http://example.org', true],
    ['https://example.org.evil.net/', false],
    ['https://example.org@evil.net/', false],
    ['https://user@example.org/', false],
    ['https://example.org:8443/', false],
    ['file://example.org/etc/passwd', false],
    ['https://exam\nple.org/', false],
    ['https:\\\\example.org', false],
    ['example.org', false],
    [7, false],
  ])('APPR6: %j: %s', (url, allowed) => {
    expect(matches(example, { tool: 'WebFetch', input: { url, prompt: 'x' }, cwd })).toBe(allowed);
  });

  it('APPR6: a whole tool is allowed only when its name says what it does and its call names nothing narrower', () => {
    const mcp: RuleMatch = { kind: 'tool', tool: 'mcp__issues__list' };
    expect(matches(mcp, { tool: 'mcp__issues__list', input: { project: 'x' }, cwd })).toBe(true);
    expect(matches(mcp, { tool: 'mcp__issues__list', input: { command: 'rm -rf /' }, cwd })).toBe(false);
    expect(matches(mcp, { tool: 'mcp__issues__list', input: { path: '/etc' }, cwd })).toBe(false);
    expect(matches(mcp, { tool: 'mcp__issues__list2', input: {}, cwd })).toBe(false);
    for (const tool of ['Bash', 'execute', 'other', 'tool', 'Edit']) {
      expect(ruleFault({ kind: 'tool', tool }), tool).not.toBeNull();
      expect(matches({ kind: 'tool', tool }, { tool, input: {}, cwd })).toBe(false);
    }
  });
});

describe('what is suggested', () => {
  it('APPR6: covers the call it is suggested for, and nothing is suggested where a rule would be unsafe', () => {
    expect(suggestRules(bash('git push origin main'))).toEqual([
      { kind: 'command', tool: 'Bash', command: 'git push origin main' },
      { kind: 'prefix', tool: 'Bash', words: ['git', 'push'] },
    ]);
    expect(suggestRules(bash('npm run build -- --watch'))).toMatchObject([{}, { words: ['npm', 'run', 'build'] }]);
    expect(suggestRules(bash('rm -rf build'))).toMatchObject([{ kind: 'command' }]);
    expect(suggestRules(bash('make && make install'))).toMatchObject([{ kind: 'command' }]);
    expect(suggestRules(bash('sudo ls'))).toMatchObject([{ kind: 'command' }]);
    expect(suggestRules(bash('a\nb'))).toEqual([]);
    expect(suggestRules(bash(['ls']))).toEqual([]);
    expect(suggestRules(file('src/a.ts'))).toMatchObject([{ folder: '/work/app/src' }, { folder: '/work/app' }]);
    expect(suggestRules(file('a.ts'))).toMatchObject([{ folder: '/work/app' }]);
    expect(suggestRules(file('/etc/passwd'))).toMatchObject([{ folder: '/etc' }]);
    expect(suggestRules(file('../x'))).toEqual([]);
    expect(suggestRules({ tool: 'execute', input: { argv: ['ls'] }, cwd })).toEqual([]);
    const call = fc.oneof(
      fc.string().map((command) => bash(command)),
      fc.string().map((path) => file(path)),
      fc.record({ tool: fc.constantFrom('Bash', 'Edit', 'mcp__a__b', 'x'), input: fc.object(), cwd: fc.constant(cwd) }),
    );
    fc.assert(
      fc.property(call, (one) => {
        for (const match of suggestRules(one)) {
          expect(matches(match, one as ReturnType<typeof bash>)).toBe(true);
          expect(ruleFault(match)).toBeNull();
        }
      }),
    );
  });
});
