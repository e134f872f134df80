/** SGR: a cell's or the cursor's attributes as the escape sequence that sets them. */

/** What xterm tells of a cell, and keeps of its cursor. Numbers are 0 or non-zero. */
export interface Attributes {
  isBold(): number;
  isDim(): number;
  isItalic(): number;
  isUnderline(): number;
  isBlink(): number;
  isInverse(): number;
  isInvisible(): number;
  isStrikethrough(): number;
  isOverline(): number;
  isFgRGB(): boolean;
  isFgPalette(): boolean;
  getFgColor(): number;
  isBgRGB(): boolean;
  isBgPalette(): boolean;
  getBgColor(): number;
  getFgColorMode(): number;
  getBgColorMode(): number;
  readonly fg: number;
  readonly extended: { readonly urlId: number };
}

/** Colours 0 to 15 by their own codes (30 to 37, 90 to 97), which bold may brighten; from xterm's Attributes. */
const sixteenColors = 0x1000000;
const underlineFlag = 0x10000000;

export function styleSequence(attributes: Attributes): string {
  const codes: (number | string)[] = [0];
  const flags: [number, number][] = [
    [attributes.isBold(), 1],
    [attributes.isDim(), 2],
    [attributes.isItalic(), 3],
    [isUnderlined(attributes), 4],
    [attributes.isBlink(), 5],
    [attributes.isInverse(), 7],
    [attributes.isInvisible(), 8],
    [attributes.isStrikethrough(), 9],
    [attributes.isOverline(), 53],
  ];
  for (const [set, code] of flags) if (set !== 0) codes.push(code);
  if (attributes.isFgRGB()) codes.push(`38;2;${channels(attributes.getFgColor())}`);
  else if (attributes.getFgColorMode() === sixteenColors) codes.push(sixteenCode(attributes.getFgColor(), 30));
  else if (attributes.isFgPalette()) codes.push(`38;5;${attributes.getFgColor()}`);
  const background = backgroundCode(attributes);
  if (background !== null) codes.push(background);
  return `\x1b[${codes.join(';')}m`;
}

/** Of a blank cell: erasing leaves nothing but the background. */
export function eraseStyleSequence(attributes: Attributes): string {
  const background = backgroundCode(attributes);
  return background === null ? '\x1b[0m' : `\x1b[0;${background}m`;
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

/** xterm calls every link underlined; the style is only what the program asked for. */
function isUnderlined(attributes: Attributes): number {
  return attributes.extended.urlId === 0 ? attributes.isUnderline() : attributes.fg & underlineFlag;
}
