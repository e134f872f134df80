import { clipboardRequest } from '#lib/terminal/clipboard-request.ts';
import { foundWords } from '#lib/terminal/found-words.ts';
import { pastePieces, runsAtOnce } from '#lib/terminal/paste.ts';
import { type PasteProgress, Pasting } from '#lib/terminal/pasting.ts';
import { describe, expect, it } from 'vitest';

const start = '\x1b[200~';
const end = '\x1b[201~';

describe('paste', () => {
  it('PAGE21: every line end is Enter, whole characters stay whole, and nothing in it ends it early', () => {
    expect(pastePieces(`one\ntwo\r\nthree${end}rm -rf`, true)).toEqual([start, 'one\rtwo\rthreerm -rf', end]);
    const faces = '😀'.repeat(40_001);
    const pieces = pastePieces(`x${faces}`, false);
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join('')).toBe(`x${faces}`);
    for (const piece of pieces) expect(piece.isWellFormed()).toBe(true);
  });

  it('PAGE21: lines that the program would run are looked at first; one line, or a program that knows pastes, is not', () => {
    expect(runsAtOnce('rm -rf build\nmake', false)).toBe(true);
    expect(runsAtOnce('one\rtwo', false)).toBe(true);
    expect(runsAtOnce('make\n', false)).toBe(false);
    expect(runsAtOnce('rm -rf build\nmake', true)).toBe(false);
  });
});

describe('a large paste', () => {
  const text = Array.from({ length: 200_000 }, (_, line) => `line ${line}\n`).join('');

  function terminal() {
    let written = '';
    let taken = 0;
    let most = 0;
    const seen: (PasteProgress | null)[] = [];
    const pasting: Pasting = new Pasting(
      (data) => {
        written += data;
        most = Math.max(most, written.length - taken);
        pasting.pending(written.length - taken);
        return true;
      },
      (progress) => seen.push(progress),
    );
    return {
      pasting,
      seen,
      written: () => written,
      most: () => most,
      /** The terminal takes what it was sent, so many characters at a time, until all is there. */
      take: (size: number) => {
        while (taken < written.length) {
          taken = Math.min(written.length, taken + size);
          pasting.pending(written.length - taken);
        }
      },
    };
  }

  it('PAGE21: goes in whole, in bounded portions, with what was typed meanwhile behind it', () => {
    const { pasting, seen, written, most, take } = terminal();
    expect(pasting.begin(text, true)).toBe(true);
    expect(pasting.begin('another', true)).toBe(false);
    pasting.key('ls');
    pasting.key('\r');
    take(50_000);
    expect(written()).toBe(`${start}${text.replaceAll('\n', '\r')}${end}ls\r`);
    expect(most()).toBeLessThan(400_000);
    const sent = seen.flatMap((progress) => (progress === null ? [] : [progress.sent]));
    expect(sent.length).toBeGreaterThan(10);
    expect(sent).toEqual([...sent].sort((a, b) => a - b));
    expect(seen.at(-1)).toBeNull();
  });

  it('PAGE21: stopped, or with Ctrl+C, no more of it goes in, and its end is told', () => {
    const { pasting, seen, written, take } = terminal();
    pasting.begin(text, true);
    pasting.key('typed into it');
    pasting.key('\x03');
    take(50_000);
    expect(written().length).toBeLessThan(400_000);
    expect(written().endsWith(`${end}\x03`)).toBe(true);
    expect(seen.at(-1)).toBeNull();
    pasting.key('x');
    expect(written().endsWith(`${end}\x03x`)).toBe(true);
  });

  it('PAGE21: what is refused ends it', () => {
    let calls = 0;
    const pasting = new Pasting(
      () => (calls += 1) < 3,
      () => undefined,
    );
    pasting.begin(text, false);
    pasting.pending(0);
    expect(calls).toBe(3);
    expect(pasting.begin('again', false)).toBe(true);
  });
});

describe('the clipboard of a program', () => {
  const encoded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

  it('PAGE22: text is understood; a question for it, what is no text and what is too large are not', () => {
    expect(clipboardRequest(`c;${encoded(Buffer.from('grüße'))}`)).toBe('grüße');
    expect(clipboardRequest(`;${encoded(Buffer.from('x'))}`)).toBe('x');
    for (const payload of ['c;?', 'c;', '', 'c', 'x;eA==', 'c;e', `c;${encoded(Uint8Array.of(0xff, 0xfe))}`]) {
      expect(clipboardRequest(payload), payload).toBeNull();
    }
    expect(clipboardRequest(`c;${encoded(Buffer.alloc(1024 * 1024 + 2, 'a'))}`)).toBeNull();
  });
});

it('PAGE20: which match it is and of how many is said', () => {
  expect(foundWords(null)).toBe('None');
  expect(foundWords({ count: 0, current: -1 })).toBe('None');
  expect(foundWords({ count: 17, current: 2 })).toBe('3 of 17');
  expect(foundWords({ count: 1_000, current: -1 })).toBe('1000+');
});
