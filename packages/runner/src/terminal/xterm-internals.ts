/** What xterm does not tell by its interface. Its version is pinned, and TERM3's tests watch over this. */
import type { Terminal } from '@xterm/headless';
import type { Attributes } from './style.ts';

/** A character set: one of a few that xterm has; undefined: plain. */
export type Charset = Readonly<Record<string, string>> | undefined;

/** A buffer as xterm keeps it: more than its interface tells. */
export interface InnerBuffer {
  readonly x: number;
  readonly y: number;
  readonly ybase: number;
  readonly scrollTop: number;
  readonly scrollBottom: number;
  readonly savedX: number;
  readonly savedY: number;
  readonly savedCurAttrData: Attributes;
  readonly savedCharset: Charset;
  /** By column. */
  readonly tabs: Readonly<Record<number, boolean | undefined>>;
}

export interface Link {
  readonly id?: string;
  readonly uri: string;
}

export interface Internals {
  readonly coreService: {
    readonly isCursorHidden: boolean;
    readonly decPrivateModes: {
      readonly cursorStyle?: 'block' | 'underline' | 'bar';
      readonly cursorBlink?: boolean;
    };
  };
  readonly coreMouseService: { readonly activeEncoding: string };
  readonly buffers: { readonly normal: InnerBuffer; readonly alt: InnerBuffer; readonly active: InnerBuffer };
  readonly unicodeService: { charProperties(codePoint: number, preceding: number): number };
  readonly _charsetService: {
    readonly charset: Charset;
    readonly glevel: number;
    readonly _charsets: readonly Charset[];
  };
  readonly _oscLinkService: { getLinkData(id: number): Link | undefined };
  readonly _inputHandler: {
    readonly _curAttrData: Attributes;
    readonly _windowTitle: string;
    readonly _iconName: string;
    /** Not 0: the last thing parsed was a character, and the next one may join it. */
    readonly _parser: { readonly precedingJoinState: number };
    selectCharset(designation: string): boolean;
  };
}

export function internalsOf(terminal: Terminal): Internals {
  return (terminal as unknown as { _core: Internals })._core;
}
