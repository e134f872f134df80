/** One device of a run: the real client over the simulated network. A reload loses all but what its storage keeps. */
import type { ConnectionView } from '@holdfast/core/client/connection.ts';
import { type LogTail, type LogView, viewOfTail, withNewer, withOlder } from '@holdfast/core/client/log-view.ts';
import type { CommandBody, KeptCommand, OutboxEntry } from '@holdfast/core/client/outbox.ts';
import type { HoldfastClient, InputHandle, SessionHandle } from '@holdfast/link/client-interface.ts';
import { createClient } from '@holdfast/link/client.ts';
import type { DialEvents, DialOptions, Dialled } from '@holdfast/link/dial.ts';
import type { OutboxStorage } from '@holdfast/link/outbox-storage.ts';
import { parsePush } from '@holdfast/link/push.ts';
import { type Result, errorBodySchema, fail, ok } from '@holdfast/protocol/error.ts';
import type { Presence } from '@holdfast/protocol/presence.ts';
import type { EventPage } from '@holdfast/protocol/rest.ts';
import {
  type SocketRequest,
  type SocketRequestName,
  drainSchema,
  socketAnswerSchemas,
} from '@holdfast/protocol/socket.ts';
import { protocolVersion } from '@holdfast/protocol/version.ts';
import type { Network, Wire } from './network.ts';
import { answerDials } from './simulated-dial.ts';
import { type FromPage, type ToPage, replay } from './simulated-server.ts';

export interface SimulatedPageOptions {
  readonly name: string;
  readonly network: Network;
  readonly sessionIds: readonly string[];
  readonly terminalId: string;
  readonly accept: (wire: Wire<FromPage, ToPage>) => boolean;
  /** Facts before that one; null: they could not be had. */
  readonly older: (sessionId: string, before: number) => Promise<EventPage | null>;
  readonly violated: (what: string) => void;
}

/** What became of a command, as this device was told. */
export interface Issued {
  readonly id: string;
  readonly sessionId: string;
  readonly command: CommandBody;
  readonly page: string;
  /** The receipt's. */
  stored: number | null;
  /** The last word was that it had no effect. */
  failed: boolean;
  /** The person had it sent again, after later ones. */
  again: boolean;
  /** Lost with a reload, before it was kept. */
  forgotten: boolean;
}

/** Keys typed in one stream: those of one life of a page. */
export interface Typed {
  readonly base: string;
  keys: number;
  /** The person was told that some were dropped. */
  dropped: boolean;
  /** The page that holds them is still there. */
  alive: boolean;
}

/** One life of the page. */
interface Life {
  readonly client: HoldfastClient;
  readonly handles: Map<string, SessionHandle>;
  readonly input: InputHandle;
  readonly typed: Typed;
  over: boolean;
}

export class SimulatedPage {
  readonly views = new Map<string, LogView>();
  /** Who it was last told is attached, by session. */
  readonly presence = new Map<string, Presence>();
  /** Everything it was given from the end of a log. */
  readonly tails: { readonly sessionId: string; readonly tail: LogTail }[] = [];
  readonly issued = new Map<string, Issued>();
  readonly typed: Typed[] = [];
  readonly url: string;
  readonly #options: SimulatedPageOptions;
  readonly #kept = new Map<string, KeptCommand>();
  readonly #hangUp: () => void;
  #online = true;
  #wire: Wire<FromPage, ToPage> | null = null;
  #life: Life;
  #numbers = 0;
  #tabs = 0;
  /** How often it was loaded. */
  #loads = 0;

  constructor(options: SimulatedPageOptions, url: string) {
    this.#options = options;
    this.url = url;
    this.#hangUp = answerDials(url, (events, options) => this.#dial(events, options));
    this.#life = this.#load();
  }

  get name(): string {
    return this.#options.name;
  }

  get clientId(): string {
    return `${this.name}${this.#tabs}`;
  }

  get wire(): Wire<FromPage, ToPage> | null {
    return this.#wire;
  }

  get connection(): ConnectionView {
    return this.#life.client.connection.get();
  }

  get outbox(): readonly OutboxEntry[] {
    return this.#life.client.outbox.get();
  }

  get pendingKeys(): number {
    return this.#life.input.status.get().pendingBytes;
  }

  send(sessionId: string, command: CommandBody): void {
    const sent = this.#life.client.send(sessionId, command);
    if (!sent.ok) return;
    const { id } = sent.value;
    this.issued.set(id, {
      ...{ id, sessionId, command, page: this.name },
      ...{ stored: null, failed: false, again: false, forgotten: false },
    });
    this.#notice(this.outbox);
  }

  discard(commandId: string): void {
    this.#life.client.discard(commandId);
  }

  retry(commandId: string): void {
    const issued = this.issued.get(commandId);
    if (issued !== undefined) Object.assign(issued, { failed: false, again: true });
    this.#life.client.retry(commandId);
  }

  /** One more key: a text that names it. */
  type(): void {
    const { typed, input } = this.#life;
    if (input.write(`${typed.base}:${typed.keys};`).ok) typed.keys += 1;
  }

  /** otherTab: who comes back is another client, and the one before never does. */
  reload(otherTab = false): void {
    if (otherTab) this.#tabs += 1;
    const life = this.#life;
    life.over = true;
    life.typed.alive = false;
    for (const entry of this.outbox) {
      const issued = this.issued.get(entry.id);
      if (issued !== undefined && !this.#kept.has(entry.id) && entry.state.status !== 'stored') issued.forgotten = true;
    }
    if (this.#wire !== null) this.#wire.abandon(this.#wire.near);
    this.#wire = null;
    this.views.clear();
    this.#life = this.#load();
  }

  /** Closes its view of a session and opens it again with what it has. */
  resubscribe(sessionId: string): void {
    const life = this.#life;
    life.handles.get(sessionId)?.close();
    this.#open(life, sessionId);
  }

  /** Goes back in what it shows. */
  async readOlder(sessionId: string): Promise<void> {
    const view = this.views.get(sessionId);
    if (view === undefined || view.from === 1) return;
    const page = await this.#options.older(sessionId, view.from);
    // It may have been reloaded, or set back to the newest, meanwhile: then the page does not join on.
    const now = this.views.get(sessionId);
    if (page === null || now === undefined) return;
    this.views.set(sessionId, withOlder(now, { facts: page.events, oldestSeq: page.oldestSeq }));
  }

  /** Closes its view of a session and opens it again after so many ms. */
  leave(sessionId: string, ms: number): void {
    const life = this.#life;
    life.handles.get(sessionId)?.close();
    this.#options.network.time.after(ms, () => {
      if (!life.over) this.#open(life, sessionId);
    });
  }

  /** quietly: what is open stays open and leads nowhere, and an attempt hangs. */
  goOffline(quietly: boolean): void {
    this.#online = false;
    if (quietly) this.#wire?.halfOpen();
    else this.#wire?.cut(true);
  }

  goOnline(): void {
    if (this.#online) return;
    this.#online = true;
    this.#life.client.wake('online');
  }

  wake(): void {
    this.#life.client.wake('foreground');
  }

  close(): void {
    this.#life.over = true;
    if (this.#wire !== null) this.#wire.abandon(this.#wire.near);
    this.#hangUp();
  }

  #load(): Life {
    this.#loads += 1;
    const { network, name, terminalId, sessionIds } = this.#options;
    const { time } = network;
    const client = createClient({
      url: this.url,
      storage: this.#storage(() => life.over),
      firstFailure: 'retry',
      transports: ['websocket'],
      clock: {
        now: () => time.now(),
        time: () => time.time(),
        after: (ms, call) => time.after(ms, () => !life.over && call()),
      },
      random: () => network.random.next(),
      makeId: () => `${name}-${(this.#numbers += 1)}`,
      clientId: this.clientId,
    });
    const input = client.input(terminalId);
    const typed: Typed = { base: `${name}k${this.typed.length}`, keys: 0, dropped: false, alive: true };
    this.typed.push(typed);
    const life: Life = { client, handles: new Map(), input, typed, over: false };
    input.status.subscribe(({ error }) => {
      if (error !== null) typed.dropped = true;
    });
    client.outbox.subscribe((entries) => this.#notice(entries));
    client.connect();
    for (const sessionId of sessionIds) this.#open(life, sessionId);
    return life;
  }

  #notice(entries: readonly OutboxEntry[]): void {
    for (const { id, state } of entries) {
      const issued = this.issued.get(id);
      if (issued === undefined) continue;
      if (state.status === 'stored') issued.stored = state.seq;
      if (state.status === 'failed') issued.failed = true;
    }
  }

  #open(life: Life, sessionId: string): void {
    const { violated, name } = this.#options;
    const lastSeq = (): number | null => this.views.get(sessionId)?.transcript.lastSeq ?? null;
    const handle = life.client.openSession(
      sessionId,
      { after: lastSeq() },
      {
        facts: (facts) => {
          const view = this.views.get(sessionId);
          if (life.over || view === undefined) return;
          const first = facts[0]?.seq;
          if (first !== view.transcript.lastSeq + 1) {
            violated(`LOG7: ${name} has ${view.transcript.lastSeq} facts of ${sessionId} and is given ${first}`);
          }
          this.views.set(sessionId, withNewer(view, facts));
        },
        reset: (tail) => {
          if (life.over) return;
          const behind = tail.lastSeq - (lastSeq() ?? -Infinity);
          if (behind <= replay.window) violated(`LOG14: ${name} is ${behind} behind in ${sessionId} and is set back`);
          this.tails.push({ sessionId, tail });
          this.views.set(sessionId, viewOfTail(sessionId, tail));
        },
        presence: (presence) => {
          if (!life.over) this.presence.set(sessionId, presence);
        },
        refused: (error) => violated(`LINK1: ${name} may not follow ${sessionId}: ${error.kind}`),
      },
    );
    life.handles.set(sessionId, handle);
  }

  /** A write takes its time: a page that is gone before has not kept it. */
  #storage(over: () => boolean): OutboxStorage {
    const { network } = this.#options;
    const later = (act: () => void): Promise<void> =>
      new Promise((resolve) => {
        network.time.after(network.random.integer(20), () => {
          if (over()) return;
          act();
          resolve();
        });
      });
    return {
      open: (adopt) => later(() => adopt([...this.#kept.values()])),
      put: (command) => later(() => void this.#kept.set(command.id, structuredClone(command))),
      remove: (id) => later(() => void this.#kept.delete(id)),
      rescan: () => undefined,
      close: () => Promise.resolve(),
    };
  }

  #dial(events: DialEvents, { clientId }: DialOptions): Dialled {
    const { network, accept, name } = this.#options;
    const load = this.#loads;
    const wire = network.wire<FromPage, ToPage>({ name, repeatable });
    const line = new PageLine(wire, network, events, { protocolVersion, ...(clientId && { clientId }) });
    network.time.after(network.delay(), () => {
      // What a page that was closed meanwhile had begun never arrives.
      if (!this.#online || line.over || load !== this.#loads) return;
      if (!accept(wire)) return line.lost('the server cannot be reached');
      this.#wire = wire;
      line.begin();
    });
    return line;
  }
}

/** The same command or the same keys may come twice. */
const repeatable = (message: unknown): boolean =>
  ['command', 'input'].includes((message as { name?: string }).name ?? '');

/** What Socket.IO does on the client's side. */
class PageLine implements Dialled {
  over = false;
  readonly #wire: Wire<FromPage, ToPage>;
  readonly #network: Network;
  readonly #events: DialEvents;
  readonly #hello: SocketRequest<'hello'>;
  readonly #answers = new Map<number, (answer: unknown) => void>();
  #requests = 0;

  constructor(wire: Wire<FromPage, ToPage>, network: Network, events: DialEvents, hello: SocketRequest<'hello'>) {
    this.#wire = wire;
    this.#network = network;
    this.#events = events;
    this.#hello = hello;
  }

  begin(): void {
    this.#wire.near.onClose(() => this.lost('the connection was lost'));
    this.#wire.near.onMessage((message) => this.#receive(message));
    this.request('hello', this.#hello, 15_000, (hello) => {
      if (hello.ok) this.#events.opened(hello.value.serverId);
      else this.lost(hello.error.message);
    });
  }

  lost(message: string): void {
    if (this.over) return;
    this.close();
    this.#events.lost({ kind: 'unavailable', message });
  }

  readonly request: Dialled['request'] = (name, body, waitMs, answered) => {
    if (this.over) return;
    const id = (this.#requests += 1);
    const cancel = this.#network.time.after(waitMs, () => {
      if (this.#answers.delete(id) && !this.over) answered(fail('timeout', 'the server did not answer in time'));
    });
    this.#answers.set(id, (answer) => {
      cancel();
      answered(parseAnswer(name, answer) as never);
    });
    this.#wire.near.send({ type: 'request', id, name, body });
  };

  readonly tell: Dialled['tell'] = (name, body) => {
    if (!this.over) this.#wire.near.send({ type: 'request', id: null, name, body });
  };

  readonly close = (): void => {
    this.over = true;
    this.#wire.near.close();
  };

  #receive(message: ToPage): void {
    if (this.over) return;
    this.#events.heard();
    if (message.type === 'push') {
      const { id, name, message: value } = message;
      if (name === 'ping' && id !== null) this.#wire.near.send({ type: 'answer', id, answer: value });
      if (name === 'drain') this.#events.move(drainSchema.parse(value).withinMs);
      const push = parsePush(name, value);
      if (push !== null) this.#events.pushed(push);
      return;
    }
    const answered = this.#answers.get(message.id);
    this.#answers.delete(message.id);
    answered?.(message.answer);
  }
}

function parseAnswer(name: SocketRequestName, answer: unknown): Result<unknown> {
  const { ok: fine, error } = answer as { ok: boolean; error?: unknown };
  return fine ? ok(socketAnswerSchemas[name].parse(answer)) : { ok: false, error: errorBodySchema.parse(error) };
}
