/** What shells and agents get of the server's environment: a short list, never the whole. */

export type Environment = Readonly<Record<string, string | undefined>>;

const passedOn: ReadonlySet<string> = new Set([
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'PATH',
  'LANG',
  'LANGUAGE',
  'TZ',
  'TMPDIR',
  'EDITOR',
  'VISUAL',
  'PAGER',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'DBUS_SESSION_BUS_ADDRESS',
  'SSH_AUTH_SOCK',
  'XDG_RUNTIME_DIR',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_CACHE_HOME',
  'XDG_STATE_HOME',
]);

const agentPrefixes = ['ANTHROPIC_', 'CLAUDE_', 'OPENAI_', 'GEMINI_'];

/** For a shell. `base`: the server's; `extra`: what the person asked for, which wins. */
export function shellEnvironment(base: Environment, extra: Environment = {}): Record<string, string> {
  const environment = pick(base, (name) => passedOn.has(name) || name.startsWith('LC_'));
  if (environment['PATH'] !== undefined) environment['PATH'] = withoutNpm(environment['PATH']);
  if (!('LANG' in environment) && !('LC_ALL' in environment) && !('LC_CTYPE' in environment)) {
    // Without a locale programs fall back to ASCII, which no terminal of ours is.
    environment['LANG'] = 'C.UTF-8';
  }
  return {
    ...environment,
    TERM: 'xterm-256color',
    COLORTERM: 'truecolor',
    TERM_PROGRAM: 'holdfast',
    ...pick(extra, () => true),
  };
}

/** For an agent: a shell's, and what its provider needs to log in. */
export function agentEnvironment(base: Environment, extra: Environment = {}): Record<string, string> {
  const keys = pick(base, (name) => agentPrefixes.some((prefix) => name.startsWith(prefix)));
  return { ...shellEnvironment(base), ...keys, ...pick(extra, () => true) };
}

function pick(from: Environment, wanted: (name: string) => boolean): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(from)) {
    if (value !== undefined && wanted(name)) picked[name] = value;
  }
  return picked;
}

/** `npm run` puts the project's programs before the person's own: a shell must not find our versions first. */
function withoutNpm(path: string): string {
  return path
    .split(':')
    .filter((entry) => !/(?:^|\/)node_modules\/\.bin\/?$|\/node-gyp-bin\/?$/.test(entry))
    .join(':');
}
