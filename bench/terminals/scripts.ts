/** What runs in the terminals, as files for bash, and what it prints. Made anew for each run of the bench. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { size } from './contestants/contestant.ts';

/** Printed when a program is there, and when it has said all. Occur in nothing else. */
export const marks = { ready: 'READY', done: 'DONE', prompt: 'PROMPT' } as const;

export interface Scripts {
  /** READY; after a key, `bytes` of text as `cat` gives it; DONE. */
  readonly text: (bytes: number) => string;
  /** READY; every byte comes back as it is. */
  readonly echo: string;
  /** A shell whose prompt is PROMPT. */
  readonly shell: string;
  /** READY; after a key, text without end. */
  readonly endless: string;
  /** 2,000 numbered lines, then frames of a full-screen program; READY; the last frame stays. */
  readonly fullScreen: { readonly script: string; readonly output: Uint8Array };
}

export function makeScripts(directory: string, fullScreenBytes: number): Scripts {
  const script = (name: string, lines: readonly string[]): string => {
    const path = join(directory, `${name}.sh`);
    writeFileSync(path, lines.join('\n'));
    return path;
  };
  const quietly = [`stty -echo -icanon`, `printf ${marks.ready}`, 'head -c 1 >/dev/null'];
  const sizes = new Map<number, string>();
  const output = fullScreenOutput(fullScreenBytes);
  const outputFile = join(directory, 'full-screen.bin');
  writeFileSync(outputFile, output);
  return {
    text: (bytes) => {
      const known = sizes.get(bytes);
      if (known !== undefined) return known;
      const file = join(directory, `text-${bytes}.txt`);
      writeFileSync(file, textLines(bytes));
      const path = script(`text-${bytes}`, [...quietly, `cat ${file}`, `printf ${marks.done}`, 'exec sleep 3600']);
      sizes.set(bytes, path);
      return path;
    },
    echo: script('echo', ['stty raw -echo', `printf ${marks.ready}`, 'exec cat']),
    shell: script('shell', [`PS1='${marks.prompt} ' exec bash --norc --noprofile -i`]),
    endless: script('endless', [...quietly, `exec yes '${line(seededRandom(1))}'`]),
    fullScreen: {
      script: script('full-screen', ['stty raw -echo', `cat ${outputFile}`, 'exec sleep 3600']),
      output,
    },
  };
}

const words = [
  'build',
  'connected',
  'error:',
  'in',
  'module',
  'of',
  'passed',
  'request',
  'server',
  'terminal',
  'to',
  '12ms',
];

/** Plain words, 60 to 95 columns, as a log has them. */
function line(random: ReturnType<typeof seededRandom>): string {
  const length = 60 + random.integer(30);
  let text = '';
  while (text.length < length) text += `${random.pick(words)} `;
  return text;
}

function textLines(bytes: number): Buffer {
  const random = seededRandom(2);
  const some = Array.from({ length: 2_000 }, () => line(random)).join('\n');
  return Buffer.from(`${some}\n`.repeat(Math.ceil(bytes / (some.length + 1)))).subarray(0, bytes);
}

/** Frames that repaint all rows, in colours; every cell of the last one differs from the one before. */
function fullScreenOutput(bytes: number): Uint8Array {
  const { columns, rows } = size;
  const random = seededRandom(3);
  const parts: string[] = [];
  for (let number = 1; number <= 2_000; number += 1) parts.push(`history line ${number} ${random.pick(words)}\r\n`);
  parts.push('\x1b[?1049h\x1b[2J');
  let length = 0;
  for (let frame = 0; length < bytes; frame += 1) {
    let text = '\x1b[H';
    for (let row = 0; row < rows; row += 1) {
      const colour = (frame + row) % 256;
      const content = `${frame}:${row} ${random.pick(words)} ${random.pick(words)}`.padEnd(columns / 2, '·');
      text += `\x1b[${row + 1};1H\x1b[${row % 3 === 0 ? '1;' : ''}38;5;${colour}m${content}\x1b[0m`;
      text += `\x1b[48;5;${(colour + 7) % 256}m${String.fromCharCode(97 + (frame % 26)).repeat(columns / 2)}\x1b[0m`;
    }
    parts.push(text);
    length += text.length;
  }
  // The cursor says that it is over: no frame leaves it there.
  parts.push(`\x1b[12;5H\x1b[7m${marks.ready}\x1b[0m`);
  return Buffer.from(parts.join(''));
}
