/**
 * What the SDK takes for its child process: pipes to one that the holder owns. It gets control frames only (what the
 * agent says is read from the holder with its positions), and it cannot end the process: a driver comes and goes.
 */
import { EventEmitter } from 'node:events';
import { PassThrough, Writable } from 'node:stream';
import type { SpawnedProcess } from '@anthropic-ai/claude-agent-sdk';
import { LineSplitter } from './line-splitter.ts';

export class HeldProcessProxy extends EventEmitter implements SpawnedProcess {
  readonly stdin: Writable;
  readonly stdout = new PassThrough();
  readonly killed = false;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;

  /** write: one line of the SDK's, newline included; the next one waits for it. */
  constructor(write: (line: string) => Promise<void>) {
    super();
    const lines = new LineSplitter();
    let offset = 0;
    this.stdin = new Writable({
      write(chunk: Buffer, _encoding, done) {
        const complete = lines.push(offset, chunk);
        offset += chunk.length;
        Promise.all(complete.map((line) => write(`${line.text}\n`))).then(
          () => done(),
          (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
        );
      },
    });
    // The SDK hears of a failed write by its own rejected calls.
    this.stdin.on('error', () => undefined);
  }

  /** One line for the SDK, without its newline. */
  deliver(line: string): void {
    if (!this.stdout.writableEnded) this.stdout.write(`${line}\n`);
  }

  exit(exitCode: number | null, signal: string | null): void {
    this.exitCode = exitCode;
    this.signalCode = signal as NodeJS.Signals | null;
    this.stdout.end();
    this.emit('exit', exitCode, this.signalCode);
  }

  kill(): boolean {
    return true;
  }
}
