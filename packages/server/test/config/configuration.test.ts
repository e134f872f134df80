import type { Result } from '@holdfast/protocol/error.ts';
import { describe, expect, it } from 'vitest';
import {
  type Configuration,
  type ConfigurationFault,
  configurationFile,
  readConfiguration,
} from '../../src/config/configuration.ts';

const env = { HOME: '/home/ada' };

function faultsOf(result: Result<Configuration>): readonly ConfigurationFault[] {
  if (result.ok) throw new Error('the configuration was accepted');
  return result.error.details?.['faults'] as ConfigurationFault[];
}

function valueOf(result: Result<Configuration>): Configuration {
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

describe('configuration', () => {
  it('OPS1: without any setting the defaults hold', () => {
    expect(valueOf(readConfiguration(env))).toEqual({
      dataDirectory: '/home/ada/.local/share/holdfast',
      holderSocket: '/home/ada/.local/share/holdfast/holder.sock',
      host: '127.0.0.1',
      port: 3030,
      workspaceRoots: ['/home/ada/workspaces'],
      publicUrl: null,
      logLevel: 'info',
      limits: {
        openSessions: 100,
        runningAgents: 20,
        connections: 100,
        startsPerMinute: 60,
        messagesPerMinute: 600,
        sessionMessagesPerMinute: 300,
        inputBytesPerSecond: 1_048_576,
      },
      agentIdleMinutes: 30,
      retentionDays: 30,
      maxUploadBytes: 25 * 1024 ** 2,
      uploadDays: 7,
    });
  });

  it('OPS1: every setting is read, and the environment wins over the file', () => {
    const file = [
      '# a comment',
      '',
      'HOLDFAST_PORT=4000',
      'HOLDFAST_HOST = "[::1]"',
      "HOLDFAST_WORKSPACES_ROOT='~/code:/srv/code/../shared'",
      'HOLDFAST_PUBLIC_URL=https://Terminal.example.org/',
      'HOLDFAST_LOG_LEVEL=debug',
      'HOLDFAST_MAX_SESSIONS=1',
      'HOLDFAST_MAX_RUNNING_AGENTS=2',
      'HOLDFAST_MAX_CONNECTIONS=3',
      'HOLDFAST_STARTS_PER_MINUTE=4',
      'HOLDFAST_MESSAGES_PER_MINUTE=5',
      'HOLDFAST_INPUT_BYTES_PER_SECOND=6',
      'HOLDFAST_AGENT_IDLE_MINUTES=7',
      'HOLDFAST_RETENTION_DAYS=0',
      'HOLDFAST_MAX_UPLOAD_BYTES=8',
      'HOLDFAST_UPLOAD_DAYS=9',
    ].join('\r\n');
    expect(valueOf(readConfiguration({ ...env, XDG_DATA_HOME: '/data', HOLDFAST_PORT: '0' }, file))).toEqual({
      dataDirectory: '/data/holdfast',
      holderSocket: '/data/holdfast/holder.sock',
      host: '::1',
      port: 0,
      workspaceRoots: ['/home/ada/code', '/srv/shared'],
      publicUrl: 'https://terminal.example.org',
      logLevel: 'debug',
      limits: {
        openSessions: 1,
        runningAgents: 2,
        connections: 3,
        startsPerMinute: 4,
        messagesPerMinute: 5,
        sessionMessagesPerMinute: 3,
        inputBytesPerSecond: 6,
      },
      agentIdleMinutes: 7,
      retentionDays: 0,
      maxUploadBytes: 8,
      uploadDays: 9,
    });
    expect(configurationFile({ ...env, HOLDFAST_DATA_DIR: '~/held' })).toBe('/home/ada/held/holdfast.env');
  });

  it('OPS1: all faults are told at once, each with its setting', () => {
    const result = readConfiguration(
      {
        ...env,
        HOLDFAST_DATA_DIR: 'relative/path',
        HOLDFAST_HOST: 'not a host',
        HOLDFAST_PORT: '70000',
        HOLDFAST_WORKSPACES_ROOT: '/ok:nope',
        HOLDFAST_PUBLIC_URL: 'ftp://example.org/path',
        HOLDFAST_LOG_LEVEL: 'loud',
        HOLDFAST_PROT: '1',
        HOLDFAST_SOMETHING_ELSE: '1',
      },
      'nonsense\nHOLDFAST_DATA_DIR=/x\nOTHER=1\nHOLDFAST_PORT=1\nHOLDFAST_PORT=2',
    );
    const faults = faultsOf(result);
    expect(faults.map((fault) => fault.setting).sort()).toEqual(
      [
        'holdfast.env line 1',
        'holdfast.env line 5',
        'HOLDFAST_DATA_DIR',
        'HOLDFAST_DATA_DIR',
        'HOLDFAST_HOST',
        'HOLDFAST_LOG_LEVEL',
        'HOLDFAST_PORT',
        'HOLDFAST_PROT',
        'HOLDFAST_PUBLIC_URL',
        'HOLDFAST_SOMETHING_ELSE',
        'HOLDFAST_WORKSPACES_ROOT',
        'OTHER',
      ].sort(),
    );
    for (const fault of faults) expect(result.ok ? '' : result.error.message).toContain(`${fault.setting}: `);
  });

  it.each([
    ['HOLDFAST_PROT', 'HOLDFAST_PORT'],
    ['HOLDFAST_WORKSPACE_ROOT', 'HOLDFAST_WORKSPACES_ROOT'],
    ['HOLDFAST_PUBLIC_URI', 'HOLDFAST_PUBLIC_URL'],
    ['HOLDFAST_LOGLEVEL', 'HOLDFAST_LOG_LEVEL'],
  ])('OPS1: %s is refused with the name that was meant', (name, meant) => {
    expect(faultsOf(readConfiguration({ ...env, [name]: '1' }))).toEqual([
      { setting: name, message: `is no setting; did you mean ${meant}?` },
    ]);
  });

  it.each(['HOLDFAST_XYZZY', 'HOLDFAST_', 'HOLDFAST_constructor', 'HOLDFAST___proto__'])(
    'OPS1: %s is refused without a guess',
    (name) => {
      expect(faultsOf(readConfiguration({ ...env, [name]: '1' }))).toEqual([
        { setting: name, message: 'is no setting' },
      ]);
    },
  );

  it('OPS1: names every object has are no settings', () => {
    const file = 'constructor=1\ntoString=2\n__proto__=3';
    expect(faultsOf(readConfiguration(env, file)).map(({ setting }) => setting)).toEqual([
      'constructor',
      'toString',
      '__proto__',
    ]);
  });

  it.each(['-1', '1.5', '0x10', ' 80', '65536', '1e3', 'http'])('OPS1: port %j is refused', (port) => {
    expect(faultsOf(readConfiguration({ ...env, HOLDFAST_PORT: port }))).toEqual([
      { setting: 'HOLDFAST_PORT', message: 'must be a number from 0 to 65535' },
    ]);
  });

  it.each(['-1', '1.5', '1e3', ' 1', '36501', 'forever'])('OPS1: %j days of retention are refused', (days) => {
    expect(faultsOf(readConfiguration({ ...env, HOLDFAST_RETENTION_DAYS: days }))).toEqual([
      { setting: 'HOLDFAST_RETENTION_DAYS', message: 'must be a number from 0 (off) to 36500' },
    ]);
  });

  it.each(['0.0.0.0', '::', '::1', 'localhost', 'box.example.org'])('OPS1: host %s is accepted', (host) => {
    expect(valueOf(readConfiguration({ ...env, HOLDFAST_HOST: host })).host).toBe(host);
  });

  it.each(['', 'a b', '-x', 'x/', 'http://x', '1.2.3.4:80'].filter((host) => host !== ''))(
    'OPS1: host %j is refused',
    (host) => {
      expect(faultsOf(readConfiguration({ ...env, HOLDFAST_HOST: host }))).toHaveLength(1);
    },
  );

  it.each(['https://x.org/path', 'https://u:p@x.org', 'x.org', 'https://x.org/?q', 'ws://x.org'])(
    'OPS1: public URL %s is refused',
    (url) => {
      expect(faultsOf(readConfiguration({ ...env, HOLDFAST_PUBLIC_URL: url }))).toMatchObject([
        { setting: 'HOLDFAST_PUBLIC_URL' },
      ]);
    },
  );

  it('OPS1: a data directory whose socket path would be cut is refused, by bytes', () => {
    const longest = `/${'x'.repeat(100 - '/holder.sock'.length - 1)}`;
    expect(valueOf(readConfiguration({ ...env, HOLDFAST_DATA_DIR: longest })).holderSocket).toHaveLength(100);
    expect(faultsOf(readConfiguration({ ...env, HOLDFAST_DATA_DIR: `${longest}x` }))).toHaveLength(1);
    expect(faultsOf(readConfiguration({ ...env, HOLDFAST_DATA_DIR: `${longest.slice(0, -1)}é` }))).toHaveLength(1);
  });

  it('OPS1: a server can be started inside a session of another', () => {
    expect(
      readConfiguration({ ...env, HOLDFAST_HELD: 'x', HOLDFAST_DEMO_STATE: '/x', HOLDFAST_RUNNER_KEY: 'k' }).ok,
    ).toBe(true);
  });

  it('OPS1: an empty value is the same as none', () => {
    expect(valueOf(readConfiguration({ ...env, HOLDFAST_PORT: '', HOLDFAST_DATA_DIR: '' })).port).toBe(3030);
  });
});
