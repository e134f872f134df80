/** A client that comes back to a full-screen program that has written 20 MB: when its screen is right, cell by cell. */
import headless from '@xterm/headless';
import graphemes from '@xterm/addon-unicode-graphemes';
import { Attached } from '../attached.ts';
import { type Address, size } from '../contestants/contestant.ts';
import { marks } from '../scripts.ts';
import { atMost, type Figure, type Measured } from './figure.ts';

const scrollback = 1_000;
const patienceMs = 3_000;

type Terminal = InstanceType<typeof headless.Terminal>;

export const reconnect: Figure = {
  name: 'reconnect',
  rows: [
    {
      key: 'screen',
      title: 'reconnect after 20 MB in a full-screen program: right screen, parsed, ms',
      digits: 1,
      target: '≤ 15, right every time',
      met: atMost(15),
    },
    {
      key: 'scrollback',
      title: 'reconnect: 1,000 lines of scrollback, parsed, ms',
      digits: 1,
      target: '≤ 40',
      met: atMost(40),
    },
    {
      key: 'received',
      title: 'reconnect: of this until the last byte came, ms',
      digits: 1,
      target: '–',
      met: () => null,
    },
    { key: 'bytes', title: 'reconnect: KB', digits: 1, target: '≤ 100', met: atMost(100) },
  ],
  measure: async (host, { scripts }) => {
    if (!host.shared) return { screen: 'lost', scrollback: 'lost', received: 'lost', bytes: 'lost' };
    const wanted = newTerminal();
    await write(wanted, scripts.fullScreen.output);
    const address = await host.terminal(scripts.fullScreen.script);
    const first = await Attached.open(address);
    await first.seen(marks.ready);
    first.close();
    try {
      return await comeBack(address, wanted);
    } finally {
      wanted.dispose();
    }
  },
};

async function comeBack(address: Address, wanted: Terminal): Promise<Measured> {
  const terminal = newTerminal();
  const right = Promise.withResolvers<number>();
  let received = 0;
  const begin = performance.now();
  const client = await Attached.open(address, undefined, (bytes) => {
    received = performance.now() - begin;
    // A copy: it is parsed later.
    terminal.write(Buffer.from(bytes), () => {
      if (sameScreen(terminal, wanted)) right.resolve(performance.now() - begin);
    });
  });
  const timer = setTimeout(() => right.reject(new Error()), patienceMs);
  try {
    const screen = await right.promise.catch(() => 'wrong');
    const lines = sameScrollback(terminal, wanted);
    return { screen, scrollback: lines ? screen : 'none', received, bytes: client.bytes / 1_000 };
  } finally {
    clearTimeout(timer);
    client.close();
    terminal.dispose();
  }
}

function newTerminal(): Terminal {
  const terminal = new headless.Terminal({ cols: size.columns, rows: size.rows, scrollback, allowProposedApi: true });
  terminal.loadAddon(new graphemes.UnicodeGraphemesAddon());
  return terminal;
}

function write(terminal: Terminal, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => terminal.write(bytes, resolve));
}

/** What a person sees: every cell's text, colours and style, and the cursor. */
function sameScreen(one: Terminal, other: Terminal): boolean {
  const [left, right] = [one.buffer.active, other.buffer.active];
  if (left.cursorX !== right.cursorX || left.cursorY !== right.cursorY) return false;
  const cells = [left.getNullCell(), right.getNullCell()] as const;
  for (let row = 0; row < size.rows; row += 1) {
    const lines = [left.getLine(left.baseY + row), right.getLine(right.baseY + row)] as const;
    for (let column = 0; column < size.columns; column += 1) {
      const a = lines[0]?.getCell(column, cells[0]);
      const b = lines[1]?.getCell(column, cells[1]);
      if (a === undefined || b === undefined || looks(a) !== looks(b)) return false;
    }
  }
  return true;
}

type Cell = ReturnType<Terminal['buffer']['active']['getNullCell']>;

function looks(cell: Cell): string {
  const style = `${cell.isBold()} ${cell.isInverse()} ${cell.isUnderline()} ${cell.isItalic()} ${cell.isDim()}`;
  const foreground = `${cell.getFgColorMode()} ${cell.getFgColor()}`;
  return `${cell.getChars() || ' '} ${cell.getWidth()} ${foreground} ${cell.getBgColorMode()} ${cell.getBgColor()} ${style}`;
}

/** The lines above what the shell showed before the program. */
function sameScrollback(one: Terminal, other: Terminal): boolean {
  const [left, right] = [one.buffer.normal, other.buffer.normal];
  if (left.length !== right.length) return false;
  for (let line = 0; line < right.length; line += 1) {
    if (left.getLine(line)?.translateToString(true) !== right.getLine(line)?.translateToString(true)) return false;
  }
  return true;
}
