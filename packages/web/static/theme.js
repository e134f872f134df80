/* global document */
// Before the first paint: the theme chosen on this device. Kept in its own file so that no script needs to be inline.
try {
  const theme = localStorage.getItem('holdfast.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is refused: the system's theme is used.
}
