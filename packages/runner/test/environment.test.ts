import { describe, expect, it } from 'vitest';
import { agentEnvironment, shellEnvironment } from '@holdfast/runner/environment.ts';

const server = {
  HOME: '/home/ada',
  PATH: '/app/node_modules/.bin:/node_modules/.bin:/npm/node_modules/@npmcli/run-script/lib/node-gyp-bin:/usr/bin:/bin',
  LC_TIME: 'de_DE.UTF-8',
  SSH_AUTH_SOCK: '/run/agent',
  HOLDFAST_PORT: '3030',
  DATABASE_URL: 'postgres://secret',
  npm_config_cache: '/x',
  NODE_OPTIONS: '--inspect',
  NODE_ENV: 'production',
  ANTHROPIC_API_KEY: 'secret',
  CLAUDE_CODE_X: 'y',
  TERM: 'dumb',
  INIT_CWD: '/app',
};

describe('environments', () => {
  it('TERM1: a shell gets a short list, its terminal, what was asked for, and nothing else', () => {
    expect(shellEnvironment(server, { EXTRA: '1', TERM: 'vt100', GONE: undefined })).toEqual({
      HOME: '/home/ada',
      PATH: '/usr/bin:/bin',
      LC_TIME: 'de_DE.UTF-8',
      LANG: 'C.UTF-8',
      SSH_AUTH_SOCK: '/run/agent',
      TERM: 'vt100',
      COLORTERM: 'truecolor',
      TERM_PROGRAM: 'holdfast',
      EXTRA: '1',
    });
    expect(shellEnvironment({ LC_ALL: 'C' })).not.toHaveProperty('LANG');
  });

  it('TERM1: only an agent gets the keys of its provider', () => {
    const environment = agentEnvironment(server);
    expect(environment).toMatchObject({ ANTHROPIC_API_KEY: 'secret', CLAUDE_CODE_X: 'y', PATH: '/usr/bin:/bin' });
    expect(environment).not.toHaveProperty('DATABASE_URL');
    expect(environment).not.toHaveProperty('NODE_OPTIONS');
  });
});
