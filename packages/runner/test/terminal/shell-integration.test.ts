/** Real shells in real terminals, and the marks in what they print. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { integratedStart } from '@holdfast/runner/terminal/shell-integration.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { findProgram } from '@holdfast/testkit/programs.ts';
import { startMachine } from '../machine.ts';
import type { Machine } from '../machine.ts';

type Name = 'bash' | 'zsh' | 'fish';

let machine: Machine;
let count = 0;

beforeAll(async () => {
  machine = await startMachine();
  await machine.run();
});
afterAll(() => machine[Symbol.asyncDispose]());

interface Shell {
  readonly home: string;
  type(text: string): void;
  output(): Promise<string>;
  /** Since it was last asked: all that came until there are so many more prompts. */
  prompts(count?: number): Promise<{ marks: string[]; text: string }>;
}

/** In a home of its own with these files, whose prompt is "> ". */
async function open(
  name: Name,
  files: Record<string, string> = {},
  { env = {}, args }: { env?: Record<string, string>; args?: string[] } = {},
): Promise<Shell> {
  count += 1;
  const sessionId = `${name}-${count}`;
  const home = join(machine.root, sessionId);
  mkdirSync(join(home, '.config/fish'), { recursive: true });
  const prompt = { bash: "PS1='> '\n", zsh: "PS1='> '\n", fish: "function fish_prompt; printf '> '; end\n" }[name];
  const rc = { bash: '.bashrc', zsh: '.zshrc', fish: '.config/fish/config.fish' }[name];
  for (const [file, text] of Object.entries({ [rc]: '', ...files })) {
    writeFileSync(join(home, file), file === rc ? `${prompt}${text}` : text);
  }
  await machine.server.carryOut({
    type: 'terminal.start',
    sessionId,
    generation: 1,
    cwd: home,
    terminal: {
      shell: name,
      env: { HOME: home, XDG_CONFIG_HOME: join(home, '.config'), ...env },
      ...(args && { args }),
    },
  });
  let offset = 0;
  let read = 0;
  const output = async (): Promise<string> => {
    const answer = await machine.server.ask({ type: 'output', sessionId, from: 0 });
    if (!answer.ok) throw new Error(answer.error.message);
    return Buffer.from(answer.value.data).toString();
  };
  return {
    home,
    type: (text) => {
      const data = Buffer.from(text);
      machine.server.send({ type: 'input', sessionId, inputId: 'keys', offset, data });
      offset += data.length;
    },
    output,
    prompts: async (wanted = 1) => {
      let all = '';
      await eventually(
        'a prompt',
        async () => (all = (await output()).slice(read)).split('\x1b]133;B\x07').length > wanted,
      ).catch((error: unknown) => {
        throw new Error(JSON.stringify(all), { cause: error });
      });
      read += all.lastIndexOf('\x1b]133;B\x07') + '\x1b]133;B\x07'.length;
      const upTo = all.slice(0, all.lastIndexOf('\x1b]133;B\x07') + 8);
      return { marks: marksOf(upTo), text: withoutSequences(upTo) };
    },
  };
}

function marksOf(output: string): string[] {
  // eslint-disable-next-line no-control-regex -- marks are control sequences
  const found = [...output.matchAll(/\x1b\](?:133|633);([^\x07\x1b]*)\x07/g)];
  return found.flatMap(([, mark = '']) => (mark.startsWith('P;') ? [] : [mark]));
}

function withoutSequences(output: string): string {
  // eslint-disable-next-line no-control-regex -- they are control sequences
  return output.replaceAll(/\x1b(?:\][^\x07]*\x07|\[[\d;?]*[a-zA-Z]|\(B|[=>])|\r/g, '');
}

const prompt = ['A', 'B'];
const command = (line: string, status: number): string[] => [`E;${line}`, 'C', `D;${status}`];

const lastStatus = { bash: '$?', zsh: '$?', fish: '$status' };

describe.each<Name>(['bash', 'zsh', 'fish'])('%s (skipped where it is not installed)', (name) => {
  const absent = findProgram(name) === null;

  it.skipIf(absent)('SHELL1: marks come in order, with the line, its status and the directory', async () => {
    const shell = await open(name);
    expect((await shell.prompts()).marks).toEqual(prompt);
    expect(await shell.output()).toContain(`\x1b]633;P;Cwd=${shell.home}\x07`);
    const run = async (typed: string, line: string, status: number): Promise<string> => {
      shell.type(`${typed}\r`);
      const { marks, text } = await shell.prompts();
      expect(marks).toEqual([...command(line, status), ...prompt]);
      return text;
    };
    expect(await run('echo one two', 'echo one two', 0)).toContain('\none two\n');
    await run('false', 'false', 1);
    expect(await run(`echo was-${lastStatus[name]}`, `echo was-${lastStatus[name]}`, 0)).toContain('\nwas-1\n');
    await run('echo "a;b\\\\c ä 漢 🙂"; sh -c "exit 42"', 'echo "a\\x3bb\\\\\\\\c ä 漢 🙂"\\x3b sh -c "exit 42"', 42);
    await run('mkdir "x;y" && cd "x;y"', 'mkdir "x\\x3by" && cd "x\\x3by"', 0);
    expect(await shell.output()).toContain(`\x1b]633;P;Cwd=${shell.home}/x\\x3by\x07`);
  });

  it.skipIf(absent)('SHELL1: a line of several lines is one command; nothing typed and Ctrl-C are none', async () => {
    const shell = await open(name);
    await shell.prompts();
    shell.type('echo "one\rtwo"\r');
    expect((await shell.prompts()).marks.filter((mark) => mark !== 'A' && mark !== 'B')).toEqual(
      command('echo "one\\x0atwo"', 0),
    );
    shell.type('\r');
    await shell.prompts();
    shell.type('echo never');
    await eventually('it is shown', async () => withoutSequences(await shell.output()).includes('never'));
    shell.type('\x03');
    const cancelled = await shell.prompts();
    expect(cancelled.marks).not.toContain('C');
    expect(cancelled.marks.filter((mark) => mark.startsWith('D'))).toEqual([]);
    shell.type('sleep 100\r');
    await eventually('it runs', async () => (await shell.output()).includes('E;sleep 100\x07\x1b]133;C\x07'));
    shell.type('\x03');
    expect((await shell.prompts()).marks.slice(0, 3)).toEqual(command('sleep 100', 130));
  });

  it.skipIf(absent)('SHELL3, TERM1: no environment, no shell within, and none in its place has any of it', async () => {
    const shell = await open(name, { '.zshenv': 'export FROM_ZSHENV=1\n' });
    await shell.prompts();
    shell.type('env\r');
    const { text } = await shell.prompts();
    expect(text).toContain('HOME=');
    expect(text.replaceAll('HOLDFAST_HELD', '')).not.toMatch(/holdfast_|HOLDFAST_|ZDOTDIR|133;/);
    shell.type(`${name}\r`);
    await eventually('another shell', () => waits(shell, [`E;${name}`, 'C']));
    shell.type('echo within-42\rexit 3\r');
    const inner = await shell.prompts();
    expect(inner.marks).toEqual([...command(name, 3), ...prompt]);
    expect(inner.text).toContain('\nwithin-42\n');
    shell.type(`exec ${name}\r`);
    await eventually('its own', () => waits(shell, [`E;exec ${name}`, 'C']));
    const before = marksOf(await shell.output()).length;
    shell.type('echo after-42\r');
    await eventually('it works', async () => withoutSequences(await shell.output()).includes('\nafter-42\n'));
    expect(marksOf(await shell.output()).length).toBe(before);
  });
});

/** These are the last marks, and behind them is a prompt of a shell that makes none. */
async function waits(shell: Shell, last: readonly string[]): Promise<boolean> {
  const output = await shell.output();
  return marksOf(output).slice(-last.length).join() === last.join() && lastScreen(output).endsWith('> ');
}

/** Without what comes behind a prompt and shows nothing. */
function lastScreen(output: string): string {
  // eslint-disable-next-line no-control-regex -- modes and titles are control sequences
  return output.replaceAll(/\x1b(?:\[[\d;?>=]*[a-zA-Z]|\]0;[^\x07]*\x07|[=>])/g, '').replace(/[\r\n]+$/, '');
}

describe('bash', () => {
  it('SHELL2: the person’s own PROMPT_COMMAND, PS0, traps and options go on', async () => {
    const shell = await open('bash', {
      '.bashrc': [
        'set -u; alias printf=false local=false; printf() { :; }',
        'PROMPT_COMMAND=("echo first-\\$?" "echo second-\\$?")',
        "PS0='ps-zero\n'",
        "trap 'echo exit-trap' EXIT",
        'debugged() { [[ $BASH_COMMAND != here ]] || builtin echo debug-trap; }; trap debugged DEBUG',
        'here() { return 7; }',
        'true',
      ].join('\n'),
    });
    await shell.prompts();
    shell.type('here\r');
    const first = await shell.prompts();
    expect(first.marks).toEqual([...command('here', 7), ...prompt]);
    expect(first.text).toContain('\nps-zero\ndebug-trap\nfirst-7\nsecond-7\n');
    shell.type("PROMPT_COMMAND=\"echo third; PS1='$ '\"; PS0='zero'\r");
    const second = await shell.prompts();
    expect(second.text).toMatch(/third\nsecond-0\n\$ $/);
    shell.type('echo "$_ ${PIPESTATUS[*]} $?"\r');
    const third = await shell.prompts();
    expect(third.marks[1]).toBe('C');
    expect(third.text).toContain('zero');
    shell.type('exit\r');
    await eventually('its trap', async () => (await shell.output()).includes('exit-trap'));
  });

  it('SHELL2: set -e ends the shell for the person’s failures only', async () => {
    const shell = await open('bash');
    await shell.prompts();
    shell.type('set -eu\r');
    expect((await shell.prompts()).marks).toEqual([...command('set -eu', 0), ...prompt]);
    shell.type(' true\r');
    shell.type('cd .\r');
    expect((await shell.prompts(2)).marks.slice(-5)).toEqual([...command('cd .', 0), ...prompt]);
    shell.type('echo bye; false\r');
    await eventually('its end', () => machine.server.factsOf('terminal.exited').some(({ exitCode }) => exitCode === 1));
  });

  it('SHELL1: a line that the history does not take is not told', async () => {
    const shell = await open('bash', { '.bashrc': 'HISTCONTROL=ignorespace HISTTIMEFORMAT="%F "\n' });
    await shell.prompts();
    shell.type('echo seen\r');
    expect((await shell.prompts()).marks).toEqual([...command('echo seen', 0), ...prompt]);
    shell.type(' echo secret\r');
    expect((await shell.prompts()).marks).toEqual(['C', 'D;0', ...prompt]);
  });

  it('SHELL2: where prompts are not expanded, or may not be changed, they stay as they are', async () => {
    const plain = await open('bash', { '.bashrc': 'shopt -u promptvars\n' });
    await eventually('its prompt', async () => lastScreen(await plain.output()).endsWith('> '));
    expect(marksOf(await plain.output())).toEqual([]);
    const fixed = await open('bash', { '.bashrc': 'readonly PROMPT_COMMAND="echo mine"\n' });
    await eventually('its prompt', async () => lastScreen(await fixed.output()).endsWith('mine\r\n> '));
    expect(await fixed.output()).not.toMatch(/133;|readonly/);
  });
});

describe('zsh (skipped where it is not installed)', () => {
  it.skipIf(findProgram('zsh') === null)('SHELL2: the person’s files, hooks and options go on', async () => {
    const own = await open(
      'zsh',
      {
        '.zshenv': 'echo env-$ZDOTDIR\n',
        '.zshrc': [
          'setopt no_unset ksh_arrays err_return',
          'counted() { echo counted-$? }; precmd_functions+=(true counted)',
          'precmd() { echo precmd-$? }; preexec() { echo preexec }',
          "PS1='> '; fail() { return 7 }",
        ].join('\n'),
      },
      { env: { ZDOTDIR: join(machine.root, `zsh-${count + 1}`) } },
    );
    expect((await own.prompts()).text).toContain(`env-${own.home}\n`);
    own.type('fail\r');
    const { marks, text } = await own.prompts();
    expect(marks).toEqual([...command('fail', 7), ...prompt]);
    expect(text).toMatch(/preexec\n.*precmd-7\ncounted-7\n/);
    own.type('print -r -- "<$PS1>$ZDOTDIR"\r');
    expect((await own.prompts()).text).toContain(`\n<> >${own.home}\n`);
  });
});

describe('how shells are started', () => {
  it('SHELL1: with arguments of one’s own, and any other program, as ever', () => {
    const env = { A: '1' };
    for (const [file, args] of [
      ['/bin/bash', ['-l']],
      ['/usr/bin/zsh', ['-c', 'true']],
      ['/bin/sh', []],
      ['/usr/bin/python3', []],
    ] as const) {
      expect(integratedStart(file, { args, env })).toEqual({ args, env });
    }
  });
});
