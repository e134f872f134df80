/** What programs write to a terminal, at random: text of all widths, and every state a terminal keeps. */
import fc from 'fast-check';

const encoder = new TextEncoder();
const csi = '\x1b[';
const link = (uri: string, parameters = ''): string => `\x1b]8;${parameters};${uri}\x1b\\`;
const modes = [1, 6, 7, 9, 12, 25, 45, 47, 66, 1000, 1002, 1003, 1004, 1006, 1016, 1047, 2004, 2026];

const text = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 30 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom(
    '漢字',
    '👩\u200d👩\u200d👧',
    '🇩🇪🇫',
    'e\u0301',
    '☁\ufe0f',
    '\u0301',
    'ก็',
    '한\u1161',
    'a'.repeat(20),
    'b'.repeat(45),
  ),
);
const moves = fc.oneof(
  fc.constantFrom('\r\n', '\r\n', '\n', '\r', '\b', '\t', '\x1bM', '\x1bD', '\x1bE', '\r\n'.repeat(9)),
  fc.tuple(fc.nat(9), fc.nat(21)).map(([row, column]) => `${csi}${row};${column}H`),
  fc.tuple(fc.nat(9), fc.constantFrom(...'ABCDEFGIZ`ade')).map(([count, final]) => `${csi}${count}${final}`),
);
const edits = fc.oneof(
  fc
    .tuple(fc.nat(9), fc.constantFrom(...'@LMPXb', ' @', ' A', "'}", "'~"))
    .map(([count, final]) => `${csi}${count}${final}`),
  fc
    .tuple(fc.nat(2), fc.constantFrom(...'JK'), fc.constantFrom('', '?'))
    .map(([how, final, mark]) => `${csi}${mark}${how}${final}`),
  // Not behind the last column: there scrolling leaves what cannot be made again.
  fc.tuple(fc.nat(3), fc.constantFrom(...'ST')).map(([count, final]) => `\r${csi}${count}${final}`),
  fc.constantFrom('\x1b#8', `${csi}3J`),
);
const styles = fc.oneof(
  fc.nat(110).map((code) => `${csi}${code}m`),
  fc.tuple(fc.nat(255), fc.nat(255)).map(([one, two]) => `${csi}38;5;${one};48;2;${two};0;${one}m`),
  fc.tuple(fc.nat(5), fc.nat(255)).map(([kind, color]) => `${csi}4:${kind};58;5;${color}m`),
  fc.constantFrom(`${csi}58:2::1:2:3m`, `${csi}1"q`, `${csi}0"q`, `${csi}0m`, `${csi}0m`),
  fc.constantFrom(link('https://a.example/?q=1;2'), link('https://a.example', 'id=one'), link('')),
);
const states = fc.oneof(
  // A link that is open while the cursor is restored is half forgotten by xterm.
  fc.constantFrom(`${link('')}\x1b7`, `${link('')}\x1b8`, `${link('')}${csi}?1049h`, `${link('')}${csi}?1049l`),
  fc.tuple(fc.constantFrom(...modes), fc.constantFrom(...'hl')).map(([mode, set]) => `${csi}?${mode}${set}`),
  fc.tuple(fc.nat(6), fc.nat(10)).map(([top, bottom]) => `${csi}${top};${bottom}r`),
  fc.constantFrom(`${csi}4h`, `${csi}4l`, `${csi}20h`, `${csi}20l`, `${csi}!p`, '\x1bc', '\x1b=', '\x1b>', `${csi}r`),
  fc.nat(6).map((shape) => `${csi}${shape} q`),
  fc.constantFrom('\x1bH', `${csi}0g`, `${csi}3g`),
  fc.constantFrom('\x1b(0', '\x1b(B', '\x1b)0', '\x1b(K', '\x1b*A', '\x0e', '\x0f', '\x1bn', '\x1b(0lqk\x1b(B'),
);
const others = fc.constantFrom(
  ...[
    '\x1b]0;a title\x07',
    '\x1b]2;another\x1b\\',
    '\x1b]1;icon\x07',
    '\x1bPq#0\x1b\\',
    '\x1b_apc\x1b\\',
    '\x1b]52;c;eA==\x07',
  ],
  ...[`${csi}>c`, `${csi}6n`, `${csi}?1;2\x18`, '\u009b31m', '\u009d2;c1\u009c', `${csi}2\r;3H`, '\x1b]2;cut\x1b[32m'],
);

export const randomOutput = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: text },
      { weight: 4, arbitrary: moves },
      { weight: 2, arbitrary: edits },
      { weight: 3, arbitrary: styles },
      { weight: 2, arbitrary: states },
      { weight: 1, arbitrary: others },
    ),
    { maxLength: 60 },
  )
  .map((all) => encoder.encode(all.join('')));

/** As package installers draw: one line, again and again, and a line that is done now and then. */
export function progressBar(steps: number, columns: number): Uint8Array {
  let output = `${csi}?25l`;
  const width = columns - 30;
  for (let step = 0; step <= steps; step += 1) {
    const done = Math.round((width * step) / steps);
    const spinner = '⠋⠙⠹⠸⠼⠴⠦⠧'[step % 8] ?? '';
    if (step % 50 === 0) output += `\r${csi}K${csi}32m✔${csi}39m part ${step} 📦\r\n`;
    output += `\r${csi}K${csi}36m${spinner}${csi}39m [${csi}42m${' '.repeat(done)}${csi}49m${'░'.repeat(width - done)}] ${step}`;
  }
  return encoder.encode(`${output}\r${csi}K${csi}?25hdone\r\n`);
}

/** As a process viewer draws: meters, a table, a coloured row that is chosen, keys at the bottom. */
export function fullScreenProgram(frames: number, { cols, rows }: { cols: number; rows: number }): Uint8Array {
  let output = `$ view\r\n${csi}?1049h${csi}22;0;0t${csi}1;${rows}r${csi}?1h\x1b=${csi}?1000h${csi}?1006h${csi}?25l${csi}H${csi}2J`;
  for (let frame = 0; frame < frames; frame += 1) {
    output += `${csi}?2026h`;
    for (let meter = 0; meter < 4; meter += 1) {
      const load = (frame * 7 + meter * 13) % (cols - 12);
      output += `${csi}${meter + 1};1H${csi}36m${meter}${csi}39;1m[${csi}22;32m${'|'.repeat(load)}${csi}31m${csi}${meter + 1};${cols - 6}H${csi}90m${load}%${csi}0m`;
    }
    output += `${csi}6;1H${csi}30;42m${'PID USER  CPU% COMMAND'.padEnd(cols)}${csi}0m`;
    for (let row = 7; row < rows; row += 1) {
      const chosen = row === 7 + (frame % (rows - 7));
      output += `${csi}${row};1H${chosen ? `${csi}30;46m` : ''}${row * 31 + frame} user ${((row * frame) % 100) / 10} é漢 node\x1b(0qx\x1b(B${csi}K${csi}m`;
    }
    output += `${csi}${rows};1HF1${csi}30;46mHelp  ${csi}mF10${csi}30;46mQuit${csi}K${csi}m${csi}?2026l`;
    if (frame % 9 === 8) output += `${csi}8;${rows - 1}r${csi}${rows - 1};1H\n${csi}8;1H\x1bM${csi}r`;
  }
  return encoder.encode(`${output}${csi}?1049l${csi}23;0;0t${csi}?1000l${csi}?1006l${csi}?25h${csi}?1l\x1b>$ `);
}

/** Stretches of plain lines, and of coloured ones. */
export function manyLines(length: number, columns: number): Uint8Array {
  const parts: string[] = [];
  for (let line = 0, written = 0; written < length; line += 1) {
    const text = `${line} ${'plain words é '.repeat(1 + ((line * 7) % Math.floor(columns / 9)))}`;
    const part = `${Math.floor(line / 900) % 12 === 11 ? `${csi}3${line % 8};4${(line * 3) % 8}m${text}${csi}0m` : text}\r\n`;
    parts.push(part);
    written += part.length;
  }
  return encoder.encode(parts.join(''));
}
