// Who may import whom: only downwards. The one table that lint, the layer check and its tests read.
export const levels = {
  protocol: 0,
  core: 1,
  store: 1,
  holder: 1,
  link: 2,
  runner: 3,
  server: 3,
  web: 3,
  cli: 4,
};

/** Packages that the sources of `name` may not import: the same level, those above, and what is for tests only. */
export function forbiddenFor(name) {
  const others = Object.keys(levels).filter((other) => other !== name && levels[other] >= levels[name]);
  return [...others, 'testkit', 'e2e'];
}
