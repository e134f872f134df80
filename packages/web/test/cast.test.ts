import { expect, it } from 'vitest';
import { parseCast, parseSize } from '../src/lib/recording/cast.ts';

const header = '{"version":2,"width":80,"height":24,"title":"Build"}';

it('REC6: a recording is played without long waits; what is cut off or unknown is left out', () => {
  const lines = [
    header,
    '[0.5,"o","a"]',
    '[60,"r","90x30"]',
    '[61,"x","?"]',
    '[61.5,"o","b"]',
    '[30,"m","back"]',
    '[62,"o',
  ];
  const cast = parseCast(lines.join('\n'));
  expect(cast).toMatchObject({ cols: 80, rows: 24, title: 'Build', length: 4_000 });
  expect(cast?.events).toEqual([
    { at: 500, code: 'o', data: 'a' },
    { at: 2_500, code: 'r', data: '90x30' },
    { at: 4_000, code: 'o', data: 'b' },
    { at: 4_000, code: 'm', data: 'back' },
  ]);
  expect([parseSize('90x30'), parseSize('90x')]).toEqual([{ cols: 90, rows: 30 }, null]);
});

it('REC6: what is no recording is told apart', () => {
  for (const text of ['', 'x', '[]', '{"version":1}', '{"version":2,"width":"80"}']) expect(parseCast(text)).toBeNull();
  expect(parseCast(header)).toMatchObject({ events: [], length: 0 });
});
