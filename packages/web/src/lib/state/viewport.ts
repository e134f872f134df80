/**
 * Keeps --viewport-height at what a soft keyboard leaves visible, so that what stands at the bottom stays above it.
 * Returns the function that stops.
 */
export function followVisualViewport(root: HTMLElement): () => void {
  const viewport = window.visualViewport;
  if (viewport === null) return () => undefined;
  const update = (): void => {
    const keyboard = window.innerHeight - viewport.height * viewport.scale > 80;
    root.style.setProperty('--viewport-height', keyboard ? `${Math.round(viewport.height)}px` : '100dvh');
    root.toggleAttribute('data-soft-keyboard', keyboard);
    // iOS scrolls the page under the keyboard; everything here scrolls inside its own pane.
    if (keyboard && viewport.scale === 1) window.scrollTo(0, 0);
  };
  viewport.addEventListener('resize', update);
  viewport.addEventListener('scroll', update);
  update();
  return () => {
    viewport.removeEventListener('resize', update);
    viewport.removeEventListener('scroll', update);
  };
}
