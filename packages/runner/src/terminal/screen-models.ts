/** The runner's side of the screen thread: one thread for all terminals, started when the first screen is needed. */
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Screen } from '@holdfast/protocol/screen.ts';
import type { Snapshot } from './screen-model.ts';
import type { FromScreenWorker, ToScreenWorker } from './screen-worker-messages.ts';

/** The thread died; the models in it are gone and can be opened again. */
export class ScreenThreadLost extends Error {}

export interface RemoteScreenModel {
  /** The thread took it along; open another. */
  readonly lost: boolean;
  /** The next bytes; they are moved to the thread and cannot be used here afterwards. Resolves when parsed: is it calm? */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<boolean>;
  /** See ScreenModel. */
  skip(bytes: number): void;
  resize(cols: number, rows: number): void;
  /** Of all written before the call, with so many lines above the screen. Rejects with ScreenThreadLost. */
  snapshot(scrollback: number): Promise<Snapshot>;
  close(): void;
}

export interface ScreenModels {
  open(base: Screen): RemoteScreenModel;
  close(): Promise<void>;
}

interface Request {
  resolve(answer: FromScreenWorker): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  readonly requests: Map<number, Request>;
  lost: boolean;
}

export function createScreenModels(log: Logger): ScreenModels {
  let thread: Thread | null = null;
  let lastNumber = 0;

  const start = (): Thread => {
    const started: Thread = {
      // Nothing of the environment is needed there.
      worker: new Worker(new URL('./screen-worker.ts', import.meta.url), { env: {}, name: 'screens' }),
      requests: new Map(),
      lost: false,
    };
    const lose = (error: unknown): void => {
      if (started.lost) return;
      started.lost = true;
      if (thread === started) {
        thread = null;
        log.error({ err: error }, 'the screen thread ended; screens are parsed again from their last checkpoints');
      }
      for (const request of started.requests.values()) request.reject(new ScreenThreadLost('the screen thread ended'));
      started.requests.clear();
    };
    started.worker.on('message', (message: FromScreenWorker) => {
      const request = started.requests.get(message.request);
      started.requests.delete(message.request);
      request?.resolve(message);
    });
    started.worker.on('error', lose);
    started.worker.on('exit', (code) => lose(new Error(`exit code ${code}`)));
    // The server ends when its work is done, whatever this thread still could do.
    started.worker.unref();
    return started;
  };

  const open = (base: Screen): RemoteScreenModel => {
    thread ??= start();
    const home = thread;
    lastNumber += 1;
    const model = lastNumber;
    const tell = (message: ToScreenWorker, transfer: ArrayBuffer[] = []): void => {
      if (!home.lost) home.worker.postMessage(message, transfer);
    };
    const ask = (make: (request: number) => ToScreenWorker, transfer: ArrayBuffer[] = []): Promise<FromScreenWorker> =>
      new Promise((resolve, reject) => {
        if (home.lost) {
          reject(new ScreenThreadLost('the screen thread ended'));
          return;
        }
        lastNumber += 1;
        home.requests.set(lastNumber, { resolve, reject });
        tell(make(lastNumber), transfer);
      });
    tell({ type: 'open', model, base });
    return {
      get lost() {
        return home.lost;
      },
      write: async (bytes) => {
        const answer = await ask((request) => ({ type: 'write', model, request, bytes }), [bytes.buffer]);
        return answer.type === 'parsed' && answer.calm;
      },
      skip: (bytes) => tell({ type: 'skip', model, bytes }),
      resize: (cols, rows) => tell({ type: 'resize', model, cols, rows }),
      snapshot: async (scrollback) => {
        const answer = await ask((request) => ({ type: 'snapshot', model, request, scrollback }));
        if (answer.type !== 'snapshot') throw new Error('the screen thread answered something else');
        return answer.snapshot;
      },
      close: () => tell({ type: 'close', model }),
    };
  };

  return {
    open,
    close: async () => {
      const ending = thread;
      thread = null;
      if (ending !== null) await ending.worker.terminate();
    },
  };
}
