/** curl, the program: what the API is to anybody who has nothing else. */
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

export interface CurlAnswer {
  readonly status: number;
  readonly text: string;
  readonly json: () => Record<string, unknown>;
}

export class Curl {
  readonly #origin: string;
  readonly #key: string | null;

  constructor(origin: string, key: string | null) {
    this.#origin = origin;
    this.#key = key;
  }

  async call(method: string, path: string, body?: unknown, headers: readonly string[] = []): Promise<CurlAnswer> {
    const data = typeof body === 'string' ? body : JSON.stringify(body);
    const args = [
      ...['-s', '-X', method, '-w', '\n%{http_code}', '--max-time', '20'],
      ...this.#auth(),
      ...headers.flatMap((header) => ['-H', header]),
      ...(body === undefined ? [] : ['-H', 'content-type: application/json', '--data-binary', '@-']),
      `${this.#origin}${path}`,
    ];
    const running = promisify(execFile)('curl', args, { maxBuffer: 64 * 1024 * 1024 });
    // Refused before it has sent everything, curl may stop reading, or see the connection end: what it was told counts.
    running.child.stdin?.on('error', () => undefined).end(data ?? '');
    const stdout = await running.then(
      (ended) => ended.stdout,
      (error: { stdout?: string }) => {
        if (/\n[1-5]\d\d$/.test(error.stdout ?? '')) return error.stdout ?? '';
        throw error;
      },
    );
    const cut = stdout.lastIndexOf('\n');
    const text = stdout.slice(0, cut);
    return {
      status: Number(stdout.slice(cut + 1)),
      text,
      json: () => JSON.parse(text) as Record<string, unknown>,
    };
  }

  /** Server-sent events; `lines` grows while the stream is open. */
  stream(path: string, headers: readonly string[] = []): { lines: () => string[]; close: () => void } {
    const child = spawn('curl', [
      ...['-sN', '-H', 'accept: text/event-stream'],
      ...this.#auth(),
      ...headers.flatMap((header) => ['-H', header]),
      `${this.#origin}${path}`,
    ]);
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    return { lines: () => text.split('\n'), close: () => child.kill() };
  }

  #auth(): string[] {
    return this.#key === null ? [] : ['-H', `authorization: Bearer ${this.#key}`];
  }
}
