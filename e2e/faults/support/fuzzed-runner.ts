/** The other end of a runner's link, frame by frame: it knows the way in and says anything. */
import { protocolVersion } from '@holdfast/protocol/version.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import type { Random } from '@holdfast/testkit/random.ts';
import type { Api } from '../../support/api.ts';
import { mutated, mutatedBytes, randomBytes } from './mutate.ts';
import { type RunnerSubject, runnerMessage } from './runner-packets.ts';

const runnerId = 'fuzzed-runner';
/** The door lets one more in each second. */
const doorLimitMs = 30_000;
const answerLimitMs = 20_000;

export interface FuzzedRunnerOptions {
  readonly port: number;
  readonly key: string;
  readonly random: Random;
  /** Sessions on it. */
  readonly own: readonly string[];
  /** Sessions on another one. */
  readonly foreign: readonly string[];
}

/** A workspace on this runner, whose path it says is there. */
export async function farWorkspace({ port, api }: { readonly port: number; readonly api: Api }): Promise<string> {
  const socket = await RunnerSocket.dial(port, api.key);
  socket.hello();
  await socket.welcomed();
  const known = async (): Promise<boolean> => (await api.runners()).some(({ id, online }) => id === runnerId && online);
  await eventually('linked', known, doorLimitMs);
  const id = await api.workspace('/fuzzed', runnerId);
  await socket.close();
  return id;
}

export class FuzzedRunner {
  readonly #socket: RunnerSocket;
  readonly #options: FuzzedRunnerOptions;

  private constructor(socket: RunnerSocket, options: FuzzedRunnerOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  static async dial(options: FuzzedRunnerOptions): Promise<FuzzedRunner> {
    return new FuzzedRunner(await RunnerSocket.dial(options.port, options.key), options);
  }

  /** Packets sent: fewer than `most` when the server had enough. */
  async rave(most: number): Promise<number> {
    const { random } = this.#options;
    const socket = this.#socket;
    // What comes before it was let in is not heard.
    for (let early = random.integer(5); early > 0; early -= 1) for (const frame of this.#frames()) socket.send(frame);
    socket.hello();
    await socket.welcomed();
    let sent = 0;
    for (; sent < most && !socket.closed; sent += 1) {
      const frames = this.#frames();
      for (const frame of random.next() < 0.15 ? [...frames, ...frames] : frames) socket.send(frame);
      // Not faster than it is heard, so that what closes the link is not followed by a thousand that nobody reads.
      if (sent % 20 === 19) await socket.answered();
    }
    return sent;
  }

  /** Leaves, and comes once more to say that its sessions are over. */
  async end(): Promise<void> {
    await this.#socket.close();
    const { port, key, own } = this.#options;
    const socket = await RunnerSocket.dial(port, key);
    socket.hello();
    await socket.welcomed();
    const facts = [{ type: 'session.ended', data: { reason: 'lost' } }];
    for (const sessionId of own) {
      socket.send(event('message', { type: 'report', report: { sessionId, source: 'end', position: 1, facts } }));
    }
    await eventually('all is stored', () => socket.closed || socket.stored >= own.length, answerLimitMs);
    await socket.close();
  }

  #frames(): Frame[] {
    const { random } = this.#options;
    const message = runnerMessage(random, this.#subject());
    const what = random.next();
    if (what < 0.003) return [mutatedBytes(Buffer.from(`42/runner,["message",{}]`), random).toString('latin1')];
    if (what < 0.006) return [new Uint8Array(randomBytes(200, random))];
    if (what < 0.05) return [event(random.pick(['taken', 'drain', 'ping', '', 'constructor']), mutated(1, random))];
    if (message.type === 'tty') {
      const { data, ...rest } = message;
      const header = event('message', { ...rest, data: { _placeholder: true, num: random.next() < 0.97 ? 0 : 1 } });
      const attached = `451-${header.slice(2)}`;
      return random.next() < 0.97 ? [attached, new Uint8Array(data)] : [attached];
    }
    // As it is, mostly: a link that does not fit at all is soon closed.
    return [event('message', random.next() < 0.25 ? mutated(message, random) : message)];
  }

  #subject(): RunnerSubject {
    const { random, own, foreign } = this.#options;
    const { heard } = this.#socket;
    const delivery = heard.length === 0 ? undefined : random.pick(heard);
    const sessionId = random.next() < 0.2 ? random.pick([...foreign, 'none']) : random.pick(own);
    return {
      runnerId: random.pick([runnerId, 'local', 'another']),
      sessionId,
      turnId: random.next() < 0.8 ? (delivery?.turnId ?? 'turn') : 'turn',
      deliveryId: random.next() < 0.8 ? (delivery?.deliveryId ?? 1) : 1 + random.integer(1_000_000),
      requestId: 'none',
    };
  }
}

type Frame = string | Uint8Array<ArrayBuffer>;

const event = (name: string, value: unknown): string => `42/runner,${JSON.stringify([name, value])}`;

interface Heard {
  readonly type: string;
  readonly requestId?: string;
  readonly deliveryId?: number;
  readonly instruction?: { readonly turnId?: string };
}

class RunnerSocket {
  /** Instructions that came. */
  readonly heard: { readonly deliveryId: number; readonly turnId: string | undefined }[] = [];
  /** Reports that were acknowledged. */
  stored = 0;
  closed = false;
  readonly #socket: WebSocket;
  #ready = false;
  #welcomed = false;
  #acknowledged = 0;
  #asked = 0;

  private constructor(port: number, key: string) {
    const address = `ws://127.0.0.1:${port}/runner/?EIO=4&transport=websocket`;
    // Node's takes headers, which its types do not tell.
    this.#socket = Reflect.construct(WebSocket, [
      address,
      { headers: { authorization: `Bearer ${key}` } },
    ]) as WebSocket;
    for (const name of ['close', 'error']) this.#socket.addEventListener(name, () => (this.closed = true));
    this.#socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if (typeof data === 'string') this.#receive(data);
    });
  }

  static async dial(port: number, key: string): Promise<RunnerSocket> {
    let socket = new RunnerSocket(port, key);
    const into = async (): Promise<boolean> => {
      if (!socket.closed) return socket.#ready;
      socket = new RunnerSocket(port, key);
      await eventually('the door has answered', () => socket.closed || socket.#ready, doorLimitMs);
      return socket.#ready;
    };
    await eventually('let in', into, doorLimitMs);
    return socket;
  }

  send(frame: Frame): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame);
  }

  hello(): void {
    const hello = { type: 'hello', protocolVersion, runnerId, name: 'fuzz', roots: ['/'], inventory: [] };
    this.send(event('message', hello));
  }

  async welcomed(): Promise<void> {
    await eventually('welcomed', () => this.#welcomed || this.closed, answerLimitMs);
  }

  /** Everything sent so far was looked at. */
  async answered(): Promise<void> {
    const number = (this.#asked += 1);
    this.send(`42/runner,${number}["ping",{"nonce":"n"}]`);
    await eventually('an answer', () => this.closed || this.#acknowledged >= number, answerLimitMs);
  }

  async close(): Promise<void> {
    this.#socket.close();
    await eventually('closed', () => this.closed, answerLimitMs);
  }

  #receive(frame: string): void {
    if (frame.startsWith('0')) return this.send('40/runner,');
    if (frame.startsWith('40/runner,')) this.#ready = true;
    if (frame === '2') return this.send('3');
    const [, acknowledged] = /^43\/runner,(\d+)/.exec(frame) ?? [];
    if (acknowledged !== undefined) this.#acknowledged = Math.max(this.#acknowledged, Number(acknowledged));
    if (!frame.startsWith('42/runner,[')) return;
    const [name, message] = JSON.parse(frame.slice('42/runner,'.length)) as [string, Heard];
    if (name !== 'message') return;
    if (message.type === 'welcome') this.#welcomed = true;
    if (message.type === 'stored') this.stored += 1;
    if (message.type === 'deliver') {
      this.heard.push({ deliveryId: message.deliveryId ?? 0, turnId: message.instruction?.turnId });
    }
    if (message.type !== 'ask') return;
    const { requestId } = message;
    this.send(event('message', { type: 'answer', requestId, result: { ok: true, value: { path: '/fuzzed' } } }));
  }
}
