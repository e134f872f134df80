/** A finger moved this far sideways, and less than half as far up or down, is a swipe. CSS pixels. */
const least = 64;

/** An attachment. act: 1 when the finger went to the left (on to the next), -1 to the right. */
export const swipes =
  (act: (by: -1 | 1) => void) =>
  (element: HTMLElement): (() => void) => {
    let from: Touch | null = null;
    const ended = new AbortController();
    const options = { signal: ended.signal, passive: true };
    element.addEventListener(
      'touchstart',
      ({ touches }) => (from = touches.length === 1 ? (touches[0] ?? null) : null),
      options,
    );
    element.addEventListener(
      'touchend',
      ({ changedTouches }) => {
        const to = changedTouches[0];
        if (from === null || to === undefined) return;
        const [across, along] = [to.clientX - from.clientX, to.clientY - from.clientY];
        from = null;
        if (Math.abs(across) >= least && Math.abs(along) < Math.abs(across) / 2) act(across < 0 ? 1 : -1);
      },
      options,
    );
    return () => ended.abort();
  };
