/** SGR: a cell's or the cursor's attributes as the escape sequence that sets them. */

/** What xterm tells of a cell, and keeps of its cursor. Numbers are 0 or non-zero. */
export interface Attributes {
  isBold(): number;
  isDim(): number;
  isItalic(): number;
  isBlink(): number;
  isInverse(): number;
  isInvisible(): number;
  isStrikethrough(): number;
  isOverline(): number;
  isProtected(): number;
  isFgRGB(): boolean;
  isFgPalette(): boolean;
  getFgColor(): number;
  isBgRGB(): boolean;
  isBgPalette(): boolean;
  getBgColor(): number;
  getFgColorMode(): number;
  getBgColorMode(): number;
  readonly fg: number;
  readonly bg: number;
  /** _ext: kind and colour of the underline, whatever a link looks like. Only bg tells whether it counts. */
  readonly extended: { readonly urlId: number; readonly _ext: number };
}

/** Colours 0 to 15 by their own codes (30 to 37, 90 to 97), which bold may brighten; from xterm's Attributes. */
const sixteenColors = 0x1000000;
const underlineFlag = 0x10000000;
const extendedFlag = 0x10000000;
const rgb = 0x3000000;

export const plain = '\x1b[0m';

export function styleSequence(attributes: Attributes): string {
  if (attributes.fg === 0 && attributes.bg === 0 && attributes.extended._ext === 0) return plain;
  const codes: (number | string)[] = [0];
  const flags: [number, number][] = [
    [attributes.isBold(), 1],
    [attributes.isDim(), 2],
    [attributes.isItalic(), 3],
    [attributes.isBlink(), 5],
    [attributes.isInverse(), 7],
    [attributes.isInvisible(), 8],
    [attributes.isStrikethrough(), 9],
    [attributes.isOverline(), 53],
  ];
  for (const [set, code] of flags) if (set !== 0) codes.push(code);
  if ((attributes.fg & underlineFlag) !== 0) codes.push(underlineCode(attributes));
  const underlineColor = attributes.extended._ext & 0x3ffffff;
  if (underlineColor !== 0) codes.push(underlineColorCode(underlineColor));
  if (attributes.isFgRGB()) codes.push(`38;2;${channels(attributes.getFgColor())}`);
  else if (attributes.getFgColorMode() === sixteenColors) codes.push(sixteenCode(attributes.getFgColor(), 30));
  else if (attributes.isFgPalette()) codes.push(`38;5;${attributes.getFgColor()}`);
  const background = backgroundCode(attributes);
  if (background !== null) codes.push(background);
  return `\x1b[${codes.join(';')}m${attributes.isProtected() === 0 ? '' : '\x1b[1"q'}`;
}

/** The link that text with these attributes is part of; 0: none. */
export function linkOf({ bg, extended }: Attributes): number {
  return (bg & extendedFlag) === 0 ? 0 : extended.urlId;
}

/** The cell is what the cursor writes. */
export function isWrittenAs(cell: Attributes, cursor: Attributes): boolean {
  if (cell.fg !== cursor.fg || cell.bg !== cursor.bg) return false;
  const { urlId, _ext } = cursor.extended;
  return (cell.bg & extendedFlag) === 0 || (cell.extended.urlId === urlId && cell.extended._ext === _ext);
}

/** Of a blank cell: erasing leaves nothing but the background. */
export function eraseStyleSequence(attributes: Attributes): string {
  const background = backgroundCode(attributes);
  return background === null ? plain : `\x1b[0;${background}m`;
}

function backgroundCode(attributes: Attributes): number | string | null {
  if (attributes.isBgRGB()) return `48;2;${channels(attributes.getBgColor())}`;
  if (attributes.getBgColorMode() === sixteenColors) return sixteenCode(attributes.getBgColor(), 40);
  return attributes.isBgPalette() ? `48;5;${attributes.getBgColor()}` : null;
}

function channels(color: number): string {
  return `${(color >>> 16) & 255};${(color >>> 8) & 255};${color & 255}`;
}

/** 30 to 37 and 90 to 97, or with base 40 the backgrounds. */
function sixteenCode(color: number, base: 30 | 40): number {
  return color < 8 ? base + color : base + 60 + (color - 8);
}

function underlineCode({ bg, extended }: Attributes): string {
  // xterm calls every link underlined; the kind is what the program asked for.
  const kind = (bg & extendedFlag) === 0 ? 1 : (extended._ext >>> 26) & 7;
  return kind > 1 ? `4:${kind}` : '4';
}

/** With colons: who does not know it leaves it out as a whole. */
function underlineColorCode(color: number): string {
  const red = (color >>> 16) & 255;
  return (color & rgb) === rgb ? `58:2::${red}:${(color >>> 8) & 255}:${color & 255}` : `58:5:${color & 255}`;
}
