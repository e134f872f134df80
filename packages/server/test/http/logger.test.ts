import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/health/logger.ts';

function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
  let lines = '';
  write(createLogger({ level: 'trace', destination: { write: (line) => void (lines += line) } }));
  return lines;
}

describe('the log', () => {
  it('OPS4: fields that hold secrets or what people wrote are hidden, however deep', () => {
    const secret = 'hunter2';
    const line = logged((log) =>
      log.info(
        {
          headers: { Authorization: secret, cookie: secret, 'set-cookie': [secret], 'x-api-key': secret },
          request: {
            command: { type: 'message.send', text: secret, answer: { message: 1 } },
            list: [{ token: secret }],
          },
          password: secret,
          output: { text: secret },
          data: new Uint8Array([1, 2, 3]),
          chunk: new Uint8Array([1, 2, 3]),
          count: 3,
        },
        'asked',
      ),
    );
    expect(line).not.toContain(secret);
    expect(JSON.parse(line)).toMatchObject({
      level: 'info',
      msg: 'asked',
      count: 3,
      chunk: '[3 bytes]',
      data: '[hidden]',
    });
  });

  it('OPS4: keys, tokens and cookies are hidden wherever they stand in a line', () => {
    const key = `hf_${'aB3'.repeat(21)}x`;
    const token = 'k7Jd_0-'.repeat(6);
    const cookie = `holdfast-0a1b2c3d.session_token=${token}`;
    const line = logged((log) => {
      log.warn({ url: `/login#token=${token}`, note: `sent "Bearer ${token}" with ${cookie}; x=y` }, `the key ${key}`);
      log.error({ err: new Error(`cannot fetch http://x/?key=${token}&y=1`, { cause: new Error(key) }) });
    });
    expect(line).not.toContain(token);
    expect(line).not.toContain(key);
    for (const text of line.trim().split('\n')) expect(() => JSON.parse(text) as unknown).not.toThrow();
  });

  it('OPS4: an error says type, code, message, stack and cause, and nothing it carries besides', () => {
    const error = Object.assign(new TypeError('no'), { code: 'ENO', body: { prompt: 'hunter2' } });
    const line = logged((log) => log.error({ err: error }, 'failed'));
    expect(line).not.toContain('hunter2');
    expect(JSON.parse(line)).toMatchObject({
      err: { type: 'TypeError', code: 'ENO', message: 'no', stack: expect.any(String) as string },
    });
  });
});
