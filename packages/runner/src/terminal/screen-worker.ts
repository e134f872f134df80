/** The thread that parses terminals, so that no keystroke waits behind it. Each terminal's work is done in order. */
import { parentPort } from 'node:worker_threads';
import { ScreenModel } from './screen-model.ts';
import type { FromScreenWorker, ToScreenWorker } from './screen-worker-messages.ts';

interface Entry {
  readonly model: ScreenModel;
  /** Ends when all that was asked so far is done. */
  last: Promise<void>;
}

const port = parentPort;
if (port === null) throw new Error('screen-worker.ts runs as a worker thread only');
const entries = new Map<number, Entry>();
const answer = (message: FromScreenWorker): void => port.postMessage(message);

async function carryOut(model: ScreenModel, message: ToScreenWorker): Promise<void> {
  switch (message.type) {
    case 'open':
      return;
    case 'write':
      await model.write(message.bytes);
      answer({ type: 'parsed', request: message.request, calm: model.calm });
      return;
    case 'skip':
      model.skip(message.bytes);
      return;
    case 'resize':
      await model.resize(message.cols, message.rows);
      return;
    case 'snapshot':
      answer({ type: 'snapshot', request: message.request, snapshot: await model.snapshot(message.scrollback) });
      return;
    case 'close':
      model.dispose();
      entries.delete(message.model);
  }
}

port.on('message', (message: ToScreenWorker) => {
  if (message.type === 'open') {
    entries.set(message.model, { model: new ScreenModel(message.base), last: Promise.resolve() });
    return;
  }
  const entry = entries.get(message.model);
  if (entry === undefined) return;
  // A throw ends the thread: the runner starts another and parses again from the last checkpoints.
  entry.last = entry.last.then(() => carryOut(entry.model, message));
});
