import { join } from 'node:path';
import { type NewSessionRequest, type NewSessionResponse, client, methods } from '@agentclientprotocol/sdk';
import { temporaryDirectory } from '@holdfast/testkit/temporary-directory.ts';
import { describe, expect, it } from 'vitest';
import { createDemoAgent } from '../../../src/agents/demo/agent.ts';
import { mostWords, parseDemoCommand } from '../../../src/agents/demo/command.ts';
import { DemoMemory } from '../../../src/agents/demo/memory.ts';
import { runCommand } from '../../../src/agents/demo/run-command.ts';

describe('what one says to the demo agent', () => {
  it.each([
    ['help', { name: 'help' }],
    ['  LS  ', { name: 'ls', path: '.' }],
    ['ls a b', { name: 'ls', path: 'a b' }],
    ['read', { name: 'misused', usage: 'read FILE' }],
    ['write a.txt one\ntwo', { name: 'write', path: 'a.txt', text: 'one\ntwo\n' }],
    ['write a.txt', { name: 'misused', usage: 'write FILE TEXT…' }],
    ['run  echo "a  b"', { name: 'run', command: 'echo "a  b"' }],
    ['stream', { name: 'stream', words: 100 }],
    ['stream 999999', { name: 'stream', words: mostWords }],
    ['stream -1', { name: 'misused', usage: 'stream N' }],
    ['please fix my bug', { name: 'hello' }],
    ['', { name: 'hello' }],
    ['constructor', { name: 'hello' }],
  ])('WIRE1: %j is understood or explained', (text, command) => {
    expect(parseDemoCommand(text)).toEqual(command);
  });
});

describe('a command it runs', () => {
  const never = new AbortController().signal;

  it('STREAM2: has a bounded output and a bounded time', async () => {
    let output = '';
    const flood = await runCommand('yes', '/', { time: 10_000, output: 5_000 }, never, (text) => {
      output += text;
    });
    expect(flood.reason).toBe('too much output');
    expect(output).toHaveLength(5_000);
    const slow = await runCommand('sleep 100', '/', { time: 50, output: 10 }, never, () => undefined);
    expect(slow.reason).toBe('too long');
    const absent = await runCommand('true', '/nowhere', { time: 1_000, output: 10 }, never, () => undefined);
    expect(absent.reason).toBe('not started');
  });
});

describe('the demo agent and a client without forms', () => {
  it('APPR1: puts its question as a permission with its options', async () => {
    using directory = temporaryDirectory();
    const memory = new DemoMemory(join(directory.path, 'state'));
    let said = '';
    const app = client({ name: 'test' })
      .onRequest(methods.client.session.requestPermission, ({ params }) => ({
        outcome: { outcome: 'selected', optionId: params.options[1]?.optionId ?? '' },
      }))
      .onNotification(methods.client.session.update, ({ params: { update } }) => {
        if (update.sessionUpdate === 'agent_message_chunk' && update.content.type === 'text')
          said += update.content.text;
      });
    const connection = app.connect(createDemoAgent({ memory, pace: { piece: 0, word: 0 } }));
    await connection.agent.request(methods.agent.initialize, { protocolVersion: 1 });
    const session: NewSessionRequest = { cwd: directory.path, mcpServers: [] };
    const { sessionId }: NewSessionResponse = await connection.agent.request(methods.agent.session.new, session);
    const prompt = [{ type: 'text' as const, text: 'ask' }];
    await connection.agent.request(methods.agent.session.prompt, { sessionId, prompt });
    expect(said).toContain('You chose “A file written”');
    said = '';
    await connection.agent.request(methods.agent.session.load, { ...session, sessionId });
    expect(said).toContain('You chose “A file written”');
    const unknown = connection.agent.request(methods.agent.session.resume, {
      ...session,
      sessionId: '../../etc/passwd',
    });
    await expect(unknown).rejects.toThrow();
    connection.close();
  });
});
