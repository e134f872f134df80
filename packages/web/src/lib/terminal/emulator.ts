/** The terminal emulator with what it needs to look and behave as ours. It knows nothing of sessions. */
import { FitAddon } from '@xterm/addon-fit';
import { type ISearchDecorationOptions, SearchAddon } from '@xterm/addon-search';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { WebglAddon } from '@xterm/addon-webgl';
import { type ITheme, Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { clipboardRequest } from './clipboard-request.ts';
import { resolveColour } from './colour.ts';

export interface Emulator {
  readonly terminal: Terminal;
  /** The size that would fill the element; null while it has none. */
  proposedSize(): { cols: number; rows: number } | null;
  /** Shows a grid of this size whole, with the largest face that fits the element; null: with the usual face. */
  scaleTo(size: { cols: number; rows: number } | null): void;
  /** The usual face is this large, CSS pixels. */
  setFontSize(size: number): void;
  /** Marks all that fits and shows the next one; an invalid pattern, or an empty one, fits nothing. */
  find(wanted: Find, direction: 'next' | 'previous'): void;
  endFind(): void;
  /** Reads the colours of the page anew. */
  applyTheme(): void;
  dispose(): void;
}

/** Of a grid that is scaled: the smallest somebody can still read, and the largest that is not silly. */
const scaledFont = { least: 4, most: 18, step: 0.25 } as const;
const scrollbackLines = 5_000;
/** Matches that are marked and counted. */
const findLimit = 1_000;

export interface Find {
  readonly text: string;
  readonly caseSensitive: boolean;
  readonly pattern: boolean;
}

export interface Found {
  readonly count: number;
  /** From 0; -1: more than are counted. */
  readonly current: number;
}

export interface EmulatorOptions {
  readonly fontSize: number;
  found(found: Found): void;
  /** A program wants this on the clipboard. */
  clipboard(text: string): void;
  bell(): void;
  title(title: string): void;
  /** dom: rows as elements, readable by tools; auto: WebGL where the machine really has it. */
  readonly renderer: 'auto' | 'dom';
  readonly reducedMotion: boolean;
}

/** Waits for the face first: a terminal measures its cells once. */
export async function createEmulator(element: HTMLElement, options: EmulatorOptions): Promise<Emulator> {
  let { fontSize } = options;
  let scaled = false;
  const style = getComputedStyle(element);
  const fontFamily = style.getPropertyValue('--mono').trim();
  await Promise.all(['400', '700'].map((weight) => document.fonts.load(`${weight} ${fontSize}px ${fontFamily}`)));

  const terminal = new Terminal({
    allowProposedApi: true,
    cursorBlink: !options.reducedMotion,
    cursorInactiveStyle: 'outline',
    fontFamily,
    fontSize,
    fontWeightBold: 700,
    lineHeight: 1.2,
    minimumContrastRatio: 4.5,
    scrollback: scrollbackLines,
    smoothScrollDuration: 0,
    theme: readTheme(element),
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.loadAddon(new WebLinksAddon((event, uri) => openLink(event, uri)));
  terminal.loadAddon(new UnicodeGraphemesAddon());
  const search = new SearchAddon({ highlightLimit: findLimit });
  terminal.loadAddon(search);
  search.onDidChangeResults(({ resultIndex, resultCount }) =>
    options.found({ count: resultCount, current: resultIndex }),
  );
  terminal.parser.registerOscHandler(52, (payload) => {
    const text = clipboardRequest(payload);
    if (text !== null) options.clipboard(text);
    return true;
  });
  terminal.onBell(() => options.bell());
  terminal.onTitleChange((title) => options.title(title));
  terminal.open(element);
  if (options.renderer === 'auto' && hasFastWebgl()) useWebgl(terminal);
  return {
    terminal,
    proposedSize: () => {
      const size = fit.proposeDimensions();
      if (size === undefined || !Number.isFinite(size.cols) || !Number.isFinite(size.rows)) return null;
      return { cols: Math.max(2, size.cols), rows: Math.max(1, size.rows) };
    },
    scaleTo: (size) => {
      scaled = size !== null;
      if (size === null) terminal.options.fontSize = fontSize;
      else scale(terminal, element, size);
    },
    setFontSize: (size) => {
      fontSize = size;
      if (!scaled) terminal.options.fontSize = size;
    },
    find: ({ text, caseSensitive, pattern }, direction) => {
      if (text === '' || (pattern && !isPattern(text))) {
        search.clearDecorations();
        options.found({ count: 0, current: -1 });
        return;
      }
      const how = { caseSensitive, regex: pattern, decorations: findColours(element) };
      const any = direction === 'next' ? search.findNext(text, how) : search.findPrevious(text, how);
      if (!any) options.found({ count: 0, current: -1 });
    },
    endFind: () => {
      search.clearDecorations();
      terminal.clearSelection();
    },
    applyTheme: () => {
      terminal.options.theme = readTheme(element);
    },
    dispose: () => terminal.dispose(),
  };
}

/** A cell grows with its face, but by whole pixels: the size is estimated, then made smaller until it fits. */
function scale(terminal: Terminal, element: HTMLElement, { cols, rows }: { cols: number; rows: number }): void {
  const screen = element.querySelector<HTMLElement>('.xterm-screen');
  if (screen === null || screen.offsetWidth === 0) return;
  const room = { width: element.clientWidth, height: element.clientHeight };
  const cell = { width: screen.offsetWidth / terminal.cols, height: screen.offsetHeight / terminal.rows };
  const share = Math.min(room.width / (cols * cell.width), room.height / (rows * cell.height));
  const { least, most, step } = scaledFont;
  const estimate = Math.floor(((terminal.options.fontSize ?? scaledFont.most) * share) / step) * step + step;
  for (let size = Math.min(most, Math.max(least, estimate)); ; size -= step) {
    terminal.options.fontSize = size;
    const fits = screen.offsetWidth <= room.width && screen.offsetHeight <= room.height;
    if (fits || size <= least) return;
  }
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) instanceof RegExp;
  } catch {
    return false;
  }
}

function findColours(element: HTMLElement): ISearchDecorationOptions {
  const [match, active] = ['--warn-badge', '--warn'].map((name) => resolveColour(element, `var(${name})`));
  return {
    ...{ matchBackground: match ?? '', matchOverviewRuler: match ?? '' },
    ...{ activeMatchBackground: active ?? '', activeMatchColorOverviewRuler: active ?? '' },
  };
}

function openLink(event: MouseEvent, uri: string): void {
  event.preventDefault();
  window.open(uri, '_blank', 'noopener,noreferrer');
}

const softwareRenderers = /swiftshader|llvmpipe|software|basic render/i;

/** WebGL without a graphics card is slower than elements: it counts as none. */
function hasFastWebgl(): boolean {
  const context = document.createElement('canvas').getContext('webgl2');
  if (context === null) return false;
  const details = context.getExtension('WEBGL_debug_renderer_info');
  const name: unknown = context.getParameter(details?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER);
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return typeof name === 'string' && !softwareRenderers.test(name);
}

function useWebgl(terminal: Terminal): void {
  try {
    const webgl = new WebglAddon();
    webgl.onContextLoss(() => webgl.dispose());
    terminal.loadAddon(webgl);
  } catch {
    // The emulator goes on with its element renderer.
  }
}

const palette = {
  black: 'black',
  red: 'red',
  green: 'green',
  yellow: 'yellow',
  blue: 'blue',
  magenta: 'magenta',
  cyan: 'cyan',
  white: 'white',
  brightBlack: 'bright-black',
  brightRed: 'bright-red',
  brightGreen: 'bright-green',
  brightYellow: 'bright-yellow',
  brightBlue: 'bright-blue',
  brightMagenta: 'bright-magenta',
  brightCyan: 'bright-cyan',
  brightWhite: 'bright-white',
  background: 'background',
  foreground: 'foreground',
  cursor: 'cursor',
  cursorAccent: 'background',
  selectionBackground: 'selection',
} as const satisfies Partial<Record<keyof ITheme, string>>;

function readTheme(element: HTMLElement): ITheme {
  const theme: ITheme = {};
  for (const name of Object.keys(palette) as (keyof typeof palette)[]) {
    theme[name] = resolveColour(element, `var(--terminal-${palette[name]})`);
  }
  return theme;
}
