import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  close,
  emptyLayout,
  type Layout,
  layoutLimits,
  neighbour,
  open,
  place,
  readLayout,
  replace,
  sessionsIn,
  setShare,
  sideAt,
  tabOf,
} from '#lib/layout/layout.ts';

const all = (layout: Layout): string[] => layout.tabs.flatMap(({ tree }) => sessionsIn(tree));
const shown = (layout: Layout): string[][] => layout.tabs.map(({ tree }) => sessionsIn(tree));
const opened = (...sessions: string[]): Layout =>
  sessions.reduce((layout, session, index) => open(layout, session, sessions[index - 1] ?? null), emptyLayout);

describe('layout', () => {
  it('PAGE25: a session that is opened has a tab after the one that was shown; one that has a pane is shown there', () => {
    const layout = open(opened('a', 'b', 'c'), 'd', 'a');
    expect(shown(layout)).toEqual([['a'], ['d'], ['b'], ['c']]);
    expect(open(layout, 'b', 'a')).toBe(layout);
    const split = place(layout, 'e', 'b', 'right');
    expect(open(split, 'b', 'a').tabs[2]?.active).toBe('b');
  });

  it('PAGE25: placed beside another one it leaves where it was, and closing gives its room back', () => {
    const layout = place(place(opened('a', 'b', 'c'), 'b', 'a', 'left'), 'c', 'a', 'bottom');
    expect(layout.tabs).toEqual([
      {
        active: 'c',
        tree: {
          ...{ direction: 'row', share: 0.5, first: { session: 'b' } },
          second: { direction: 'column', share: 0.5, first: { session: 'a' }, second: { session: 'c' } },
        },
      },
    ]);
    expect(shown(close(layout, 'c'))).toEqual([['b', 'a']]);
    expect(close(layout, 'c').tabs[0]?.active).toBe('b');
    expect(close(opened('a'), 'a')).toEqual(emptyLayout);
    expect(place(layout, 'b', 'b', 'left')).toBe(layout);
  });

  it('PAGE25: another session takes over a pane, sizes are kept within bounds, tabs have neighbours', () => {
    const layout = place(opened('a', 'b', 'c'), 'd', 'b', 'top');
    expect(shown(replace(layout, 'd', 'e'))).toEqual([['a'], ['e', 'b'], ['c']]);
    expect(replace(layout, 'd', 'e').tabs[1]?.active).toBe('e');
    const { tree } = layout.tabs[1] ?? { tree: { session: '' } };
    expect(setShare(tree, [], 0.01)).toMatchObject({ share: layoutLimits.leastShare });
    expect(setShare(tree, ['first'], 0.3)).toEqual(tree);
    expect([neighbour(layout, 'b', -1), neighbour(layout, 'a', 1), neighbour(layout, 'c', 1)]).toEqual([
      'a',
      'd',
      null,
    ]);
    expect([sideAt(0.1, 0.5), sideAt(0.9, 0.4), sideAt(0.5, 0.2), sideAt(0.5, 0.9)]).toEqual([
      ...['left', 'right', 'top', 'bottom'],
    ]);
  });

  it('PAGE25: what was kept is read back; what does not fit is begun anew', () => {
    const layout = place(opened('a', 'b'), 'c', 'b', 'right');
    expect(readLayout(JSON.stringify(layout))).toEqual(layout);
    const twice = { tabs: [...layout.tabs, ...layout.tabs] };
    const deep = { tabs: [{ tree: { direction: 'row', share: 2, first: {}, second: {} }, active: 'a' }] };
    const elsewhere = { tabs: [{ tree: { session: 'a' }, active: 'b' }] };
    for (const text of [null, '', '{', '[]', JSON.stringify(twice), JSON.stringify(deep), JSON.stringify(elsewhere)]) {
      expect(readLayout(text)).toEqual(emptyLayout);
    }
  });

  it('PAGE25: whatever is done, each session has one pane at most, what is active is there, and all is bounded', () => {
    const session = fc.constantFrom(...Array.from({ length: 30 }, (_, number) => `s${number}`));
    const side = fc.constantFrom('left', 'right', 'top', 'bottom');
    const steps = fc.array(
      fc.oneof(
        fc.record({ do: fc.constant('open' as const), session, other: session, side }),
        fc.record({ do: fc.constant('place' as const), session, other: session, side }),
        fc.record({ do: fc.constant('close' as const), session, other: session, side }),
      ),
      { maxLength: 80 },
    );
    fc.assert(
      fc.property(steps, (done) => {
        let layout = emptyLayout;
        for (const step of done) {
          if (step.do === 'open') layout = open(layout, step.session, step.other);
          if (step.do === 'place') layout = place(layout, step.session, step.other, step.side);
          if (step.do === 'close') layout = close(layout, step.session);
          expect(new Set(all(layout)).size).toBe(all(layout).length);
          expect(layout.tabs.length).toBeLessThanOrEqual(layoutLimits.tabs);
          for (const { tree, active } of layout.tabs) {
            expect(sessionsIn(tree)).toContain(active);
            expect(sessionsIn(tree).length).toBeLessThanOrEqual(layoutLimits.panes);
          }
          if (step.do === 'open') expect(tabOf(layout, step.session)?.active).toBe(step.session);
          if (step.do === 'close') expect(all(layout)).not.toContain(step.session);
          expect(readLayout(JSON.stringify(layout))).toEqual(layout);
        }
      }),
    );
  });
});
