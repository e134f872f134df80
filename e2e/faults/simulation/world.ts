/** Everything of one run: a server, a machine and two or three devices on one network and one clock. */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EventPage } from '@holdfast/protocol/rest.ts';
import { createLogger } from '@holdfast/server/health/logger.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import type { Fuse } from './fuse.ts';
import { LogWatch } from './log-watch.ts';
import { Network } from './network.ts';
import { SimulatedHolder } from './simulated-holder.ts';
import { SimulatedPage } from './simulated-page.ts';
import { SimulatedRunner } from './simulated-runner.ts';
import { SimulatedServer, login } from './simulated-server.ts';
import { VirtualTime, settled } from './virtual-time.ts';

const pageNames = ['a', 'b', 'c'];
/** What may change a log. */
const writes = ['command', 'report', 'change'];

export class World {
  readonly time = new VirtualTime();
  readonly trace: string[] = [];
  readonly violations: string[] = [];
  readonly network: Network;
  readonly holder = new SimulatedHolder();
  readonly server: SimulatedServer;
  readonly runner: SimulatedRunner;
  readonly agentIds: string[] = [];
  terminalId = '';
  pages: SimulatedPage[] = [];
  watch!: LogWatch;
  readonly #file: string;
  #looked: { readonly fuse: Fuse | null; readonly count: number } = { fuse: null, count: 0 };
  /** How long the server stays down after a crash, ms. */
  #downtime = 0;
  #ids = 0;

  /** template: a database with nothing in it. directory: where this run's copy of it lives. */
  static async make(seed: number, template: string, directory: string): Promise<World> {
    const world = new World(seed, join(directory, `run-${seed}.db`));
    copyFileSync(template, world.#file);
    await world.#begin(seed);
    return world;
  }

  private constructor(seed: number, file: string) {
    this.#file = file;
    this.network = new Network(this.time, seededRandom(seed), (line) => this.trace.push(line));
    this.server = new SimulatedServer({
      file,
      time: this.time,
      newId: () => `i${(this.#ids += 1)}`,
      log: createLogger({
        level: 'error',
        destination: { write: (line) => this.violated(`LINK1: the server logs an error: ${wordsOf(line)}`) },
      }),
      onCrash: () => this.#serverGone(),
    });
    this.runner = new SimulatedRunner({
      network: this.network,
      holder: this.holder,
      // It says so when its holder goes away in the middle of something.
      log: createLogger({
        level: 'error',
        destination: { write: (line) => this.note(`runner logs ${wordsOf(line)}`) },
      }),
      dial: (wire) => this.server.acceptRunner(wire),
    });
  }

  get sessionIds(): readonly string[] {
    return [...this.agentIds, this.terminalId];
  }

  readonly violated = (what: string): void => {
    this.note(what);
    this.violations.push(what);
  };

  note(line: string): void {
    this.trace.push(`${this.time.now()} ${line}`);
  }

  /** downtime: ms until it is started again. */
  crashServer(calls: number, when: 'before' | 'after', downtime: number): void {
    this.#downtime = downtime;
    this.server.fuse?.light(calls, when);
  }

  async look(): Promise<void> {
    await settled();
    const { store, fuse } = this.server;
    if (store === null || fuse === null) return;
    const written = { fuse, count: fuse.count(writes) };
    if (written.fuse === this.#looked.fuse && written.count === this.#looked.count) return;
    this.#looked = written;
    await this.watch.look(store);
  }

  async close(): Promise<void> {
    for (const page of this.pages) page.close();
    this.runner.close();
    await this.server.close();
    await settled();
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.#file + suffix, { force: true });
  }

  async #begin(seed: number): Promise<void> {
    await this.server.start();
    const { application, store } = this.server;
    if (application === null || store === null) throw new Error('the server did not start');
    const workspace = { id: 'w', name: 'w', path: '/simulated/w', runnerId: 'local', ownerId: login.userId };
    await store.createWorkspace({ ...workspace, createdAt: this.time.time() });
    const agent = { provider: 'simulated' };
    for (const body of [{ kind: 'agent', agent }, { kind: 'agent', agent }, { kind: 'terminal' }] as const) {
      const made = await application.createSession(login, { ...body, workspaceId: 'w' }, null);
      if (!made.ok) throw new Error(made.error.message);
      if (body.kind === 'agent') this.agentIds.push(made.value.session.id);
      else this.terminalId = made.value.session.id;
    }
    this.watch = new LogWatch(this.sessionIds, this.violated);
    await this.runner.start();
    this.pages = pageNames.slice(0, seed % 3 === 0 ? 3 : 2).map(
      (name) =>
        new SimulatedPage(
          {
            name,
            network: this.network,
            sessionIds: this.sessionIds,
            terminalId: this.terminalId,
            accept: (wire) => this.server.acceptPage(wire),
            older: (id, before) => this.#older(id, before),
            violated: this.violated,
          },
          `simulated:${seed}:${name}`,
        ),
    );
  }

  /** A request of its own, beside the connection. null: it was not answered. */
  async #older(sessionId: string, before: number): Promise<EventPage | null> {
    const page = await this.server.application?.events(login, sessionId, { before, limit: 4 });
    return page?.ok === true ? page.value : null;
  }

  #serverGone(): void {
    this.note('server gone');
    this.time.after(this.#downtime, () => {
      this.server
        .start()
        .catch((error: unknown) => this.violated(`LOG10: the server does not start: ${String(error)}`));
    });
  }
}

/** Without the time of day, which no seed decides. */
function wordsOf(line: string): string {
  const { msg, err, error } = JSON.parse(line) as Record<'msg' | 'err' | 'error', unknown>;
  const cause = (err ?? error) as { message?: string } | undefined;
  return cause?.message === undefined ? String(msg) : `${String(msg)}: ${cause.message}`;
}
