/** The scripted model at its HTTP door. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { readConversation } from '@holdfast/testkit/model/conversation.ts';
import { gate } from '@holdfast/testkit/model/gate.ts';
import { keywordScript } from '@holdfast/testkit/model/keyword-script.ts';
import { overloaded, says, text, thinking, uses } from '@holdfast/testkit/model/reply.ts';
import { startScriptedModel } from '@holdfast/testkit/model/scripted-model.ts';

const ask = (url: string, prompt: string): Promise<Response> =>
  fetch(`${url}/v1/messages?beta=true`, {
    method: 'POST',
    body: JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: prompt }] }),
  });

const events = (stream: string): Record<string, unknown>[] =>
  [...stream.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data) as Record<string, unknown>);

describe('the scripted model', () => {
  it('TEST1: streams a reply in the events of the Messages API and keeps what it was asked', async () => {
    await using model = await startScriptedModel({
      script: [says(thinking('hm'), text('Hello ', 'world.'), uses('Bash', { command: 'ls' }, 'toolu_1'))],
    });
    const response = await ask(model.url, 'hi');
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const told = events(await response.text());
    expect(told.map((event) => event['type'])).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(told.at(-2)).toMatchObject({ delta: { stop_reason: 'tool_use' } });
    expect(model.requests).toMatchObject([{ path: '/v1/messages', conversation: { userText: 'hi' }, aborted: false }]);
  });

  it('TEST1: a chunk waits for its gate, and a caller that goes away is noted', async () => {
    const second = gate();
    await using model = await startScriptedModel({ script: () => says(text('a', { text: 'b', gate: second })) });
    const response = await ask(model.url, 'hi');
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let read = '';
    await eventually('the first chunk', async () => {
      read += (await reader?.read())?.value ?? '';
      return read.includes('"text":"a"');
    });
    expect(read).not.toContain('"text":"b"');
    second.open();
    await eventually('the end', async () => {
      read += (await reader?.read())?.value ?? '';
      return read.includes('message_stop');
    });
    const controller = new AbortController();
    const held = fetch(`${model.url}/v1/messages`, { method: 'POST', body: '{}', signal: controller.signal });
    await using hanging = await startScriptedModel({ script: () => ({ type: 'hang' }) });
    const hung = fetch(`${hanging.url}/v1/messages`, { method: 'POST', body: '{}', signal: controller.signal });
    await eventually('it is asked', () => hanging.requests.length === 1);
    await held;
    controller.abort();
    await expect(hung).rejects.toThrow();
    await eventually('noted', () => hanging.requests[0]?.aborted);
  });

  it('TEST1: errors, drops and unknown paths are what a client would meet', async () => {
    await using model = await startScriptedModel({
      script: [overloaded, { type: 'drop' }, { ...says('half'), drop: true } as ReturnType<typeof says>],
    });
    const refused = await ask(model.url, 'hi');
    expect(refused.status).toBe(529);
    expect(await refused.json()).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
    await expect(ask(model.url, 'hi')).rejects.toThrow();
    const half = await ask(model.url, 'hi');
    await expect(half.text()).rejects.toThrow();
    expect((await ask(model.url, 'beyond')).status).toBe(400);
    const unknown = await fetch(`${model.url}/v1/other`);
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: { type: 'not_found_error' } });
    const count = await fetch(`${model.url}/v1/messages/count_tokens`, { method: 'POST', body: '{}' });
    expect(await count.json()).toHaveProperty('input_tokens');
  });

  it('TEST1: as a process of its own it prints its url and serves the keywords', async () => {
    const main = new URL('../src/model/main.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [main, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const { url } = JSON.parse(line.toString('utf8')) as { url: string };
      expect(await (await ask(url, 'say one two')).text()).toContain('"text":"two"');
    } finally {
      child.kill();
    }
  });
});

describe('the keyword script', () => {
  const said = (prompt: string, ...more: object[]) =>
    keywordScript(
      readConversation({
        system: [{ type: 'text', text: 'Primary working directory: /home/user/project\nmore' }],
        messages: [{ role: 'user', content: [{ type: 'text', text: prompt }] }, ...more],
      }),
    );

  it('TEST1: does what the prompt’s first keyword says', () => {
    expect(said('please say run it')).toEqual(says(text('run ', 'it')));
    expect(said('run echo hi')).toMatchObject({ blocks: [{ name: 'Bash', input: { command: 'echo hi' } }] });
    expect(said('write a/b.txt some words')).toMatchObject({
      blocks: [{ name: 'Write', input: { file_path: '/home/user/project/a/b.txt', content: 'some words\n' } }],
    });
    expect(said('ask')).toMatchObject({ blocks: [{ name: 'AskUserQuestion' }] });
    expect(said('slow 3')).toMatchObject({ blocks: [{ chunks: [{ text: '1 ' }, { text: '2 ' }, { text: '3 ' }] }] });
    expect(said('fail')).toMatchObject({ type: 'error', status: 400 });
    expect(said('good day')).toEqual(says(text('You ', 'said: ', 'good ', 'day')));
  });

  it('TEST1: answers a tool’s result with it, and skips what the agent adds to the prompt', () => {
    const call = { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'Bash', input: {} }] };
    const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: 'hi' }] };
    expect(said('run echo hi', call, result)).toEqual(says(text('Result: ', 'hi')));
    const reminder = { role: 'user', content: [{ type: 'text', text: '<system-reminder>run x</system-reminder>' }] };
    expect(said('say hi', reminder)).toEqual(says(text('hi')));
  });
});
