import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectHolder } from '@holdfast/holder/client.ts';
import { Failure } from './failure.ts';
import { runningInstance } from './instance-lock.ts';

/** A server that drains answers its last requests within this, ms. */
const stopTimeoutMs = 20_000;
const lookAgainMs = 50;

/** Stops the server of this data directory; with `all` also the holder and all it holds. Says what it did. */
export async function stop(dataDirectory: string, all: boolean, say: (line: string) => void): Promise<void> {
  const instance = runningInstance(dataDirectory);
  if (instance === null) {
    say('No server is running here.');
  } else {
    process.kill(instance.pid, 'SIGTERM');
    await gone(dataDirectory);
    say(all ? 'The server has stopped.' : 'The server has stopped; shells and agents go on in the holder.');
  }
  if (!all) return;
  const holder = await connectHolder({ socketPath: join(dataDirectory, 'holder.sock') });
  if (!holder.ok) return say('No holder is running here.');
  const ended = await holder.value.shutdown();
  holder.value.close();
  if (!ended.ok && ended.error.kind !== 'disconnected') throw new Failure('holder', ended.error.message);
  say('The holder and everything in it have ended.');
}

async function gone(dataDirectory: string): Promise<void> {
  for (const end = performance.now() + stopTimeoutMs; performance.now() < end; await delay(lookAgainMs)) {
    if (runningInstance(dataDirectory) === null) return;
  }
  throw new Failure('failed', `The server has not stopped within ${stopTimeoutMs / 1_000} s.`);
}
