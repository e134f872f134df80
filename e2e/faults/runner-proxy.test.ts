/** A bad network between a machine elsewhere and the server: silence in one direction or in both, 1 Mbit/s, resets. */
import { existsSync, readFileSync } from 'node:fs';
import type { InputHandle } from '@holdfast/link/client-interface.ts';
import type { Fact, FactData } from '@holdfast/protocol/fact.ts';
import { eventually } from '@holdfast/testkit/eventually.ts';
import { seededRandom } from '@holdfast/testkit/random.ts';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Api } from '../support/api.ts';
import { type Installation, agentSettings, install } from '../support/program.ts';
import { expectSoundLog } from '../support/sound-log.ts';
import { Device } from './support/device.ts';
import { FarMachine } from './support/far-machine.ts';
import { Load } from './support/load.ts';
import { metric, residentBytes, serverPid } from './support/measure.ts';
import { Place } from './support/place.ts';
import { RecoveryTable } from './support/recovery-table.ts';
import { faultSeed, moment, soak } from './support/seed.ts';
import { Tally } from './support/tally.ts';
import { Watcher } from './support/watcher.ts';

/** Bytes per second: 1 Mbit/s. */
const slowLine = 125_000;
/** The demo agent's words, so many that it writes for longer than a silence lasts. */
const words = 530;
const silences = [
  { name: 'up', stall: { stallUp: true } },
  { name: 'down', stall: { stallDown: true } },
  { name: 'both', stall: { stallUp: true, stallDown: true } },
] as const;

let holdfast: Installation;
let api: Api;
let machines: readonly FarMachine[];
let device: Device;

beforeAll(async () => {
  holdfast = await install();
  await holdfast.start();
  api = await Api.open(holdfast);
  const agents = agentSettings(holdfast.environment);
  machines = await Promise.all(silences.map(({ name }) => FarMachine.link(name, holdfast, api, agents)));
});
afterAll(async () => {
  await Promise.all(machines.map((far) => far.dispose()));
  await holdfast.dispose();
});
afterEach(() => device.client.close());

const demo = (workspaceId: string, prompt: string, mode = 'agent') =>
  api.create({ kind: 'agent', workspaceId, agent: { provider: 'demo', mode, prompt } });
const said = async (id: string): Promise<string> =>
  (await api.log(id)).flatMap((fact) => (fact.type === 'message.assistant' ? [fact.data.text] : [])).join('');

it('LINK8, LINK2, LINK4, TURN5: a line to a machine that goes silent, whichever way, is found out by both ends within 30 s, and what was under way lands once', async () => {
  device = new Device({ url: holdfast.origin, key: api.key });
  const near = await demo(await api.workspace('w'), `stream ${words}`);
  const works = await Promise.all(machines.map((far) => Work.begin(far)));
  await eventually('up to date', () => device.live);
  await api.fact(near, 'turn.started');
  for (const work of works) work.type('before');
  const began = performance.now();
  machines.forEach(({ line }, index) => line.set(silences[index]?.stall ?? {}));
  for (const work of works) work.goOn();
  const found = new Map<string, number>();
  await eventually(
    'found out everywhere',
    async () => {
      const note = (what: string): void => {
        if (!found.has(what)) found.set(what, (performance.now() - began) / 1_000);
      };
      for (const { id, online } of await api.runners()) {
        const far = machines.find(({ runnerId }) => runnerId === id);
        if (far !== undefined && !online) note(`${far.name}: offline`);
      }
      for (const { far, dialled } of works) {
        if (far.machine.output().includes('The link is lost')) note(`${far.name}: lost`);
        if (far.line.accepted > dialled) note(`${far.name}: dialled`);
        if (['offline', 'lost', 'dialled'].every((what) => found.has(`${far.name}: ${what}`))) far.line.set({});
      }
      return found.size === 3 * machines.length;
    },
    45_000,
  );
  process.stdout.write(`\n${[...found].map(([what, at]) => `${what} after ${at.toFixed(1)} s`).join('\n')}\n`);
  for (const at of found.values()) {
    expect(at).toBeGreaterThan(14);
    // Its timers and this one's, on a busy machine.
    expect(at).toBeLessThan(33);
  }
  await eventually('linked again', async () => (await api.runners()).every(({ online }) => online), 15_000);
  for (const work of works) work.type('after');
  await api.fact(near, 'turn.ended');
  for (const work of works) await work.expectOnce(await said(near));
  const tally = new Tally();
  for (const [id, followed] of device.sessions) tally.reading(id, followed, await api.log(id));
  expect(tally).toEqual(new Tally());
});

/** What is under way on one machine while its line is silent. */
class Work {
  readonly far: FarMachine;
  /** Connections of its line when the silence began. */
  readonly dialled: number;
  readonly #ids: { readonly shell: string; readonly stream: string; readonly asking: string; readonly idle: string };
  readonly #keys: InputHandle;
  readonly #typed: string[] = [];

  private constructor(far: FarMachine, ids: { shell: string; stream: string; asking: string; idle: string }) {
    this.far = far;
    this.dialled = far.line.accepted;
    this.#ids = ids;
    this.#keys = device.client.input(ids.shell);
  }

  static async begin(far: FarMachine): Promise<Work> {
    const { workspaceId } = far;
    const ids = {
      shell: await api.create({ kind: 'terminal', workspaceId }),
      idle: await demo(workspaceId, 'ls', 'auto'),
      asking: await demo(workspaceId, 'write held.txt asked before'),
      stream: await demo(workspaceId, `stream ${words}`),
    };
    for (const id of Object.values(ids)) device.follow(id);
    await api.fact(ids.shell, 'session.started');
    device.command(ids.shell, { type: 'terminal.write', data: 'cat > keys\r' });
    await eventually('cat reads', () => existsSync(far.file('keys')));
    await api.fact(ids.asking, 'approval.requested');
    await api.fact(ids.idle, 'turn.ended');
    await api.fact(ids.stream, 'turn.started');
    return new Work(far, ids);
  }

  type(line: string): void {
    this.#typed.push(line);
    expect(this.#keys.write(`${line}\r`).ok).toBe(true);
  }

  /** What a person does who sees nothing wrong yet. */
  goOn(): void {
    const { asking, idle } = this.#ids;
    for (const line of ['one', 'two', 'three']) this.type(line);
    for (const text of ['run echo first >> ran', 'run echo second >> ran']) device.send(idle, text);
    const asked = device.sessions.get(asking)?.facts.find((fact) => fact.type === 'approval.requested');
    const approvalId = asked?.type === 'approval.requested' ? asked.data.approvalId : '';
    device.command(asking, { type: 'approval.answer', approvalId, answer: { decision: 'allow' } });
  }

  /** stream: all that the streaming agent says. */
  async expectOnce(stream: string): Promise<void> {
    const { asking, idle } = this.#ids;
    await api.fact(asking, 'turn.ended', ({ outcome }) => outcome === 'completed');
    expect(readFileSync(this.far.file('held.txt'), 'utf8')).toBe('asked before\n');
    await api.fact(this.#ids.stream, 'turn.ended', ({ outcome }) => outcome === 'completed');
    expect(await said(this.#ids.stream)).toBe(stream);
    const landed = (): string[] => readFileSync(this.far.file('keys'), 'utf8').split('\n').filter(Boolean);
    await eventually('the last key', () => landed().at(-1) === 'after');
    expect(landed()).toEqual(this.#typed);
    await eventually('both have run', async () => {
      const log = await api.log(idle);
      return log.filter(({ type }) => type === 'turn.ended').length === 3;
    });
    expect(readFileSync(this.far.file('ran'), 'utf8')).toBe('first\nsecond\n');
    const log = await api.log(asking);
    expect(log.filter(({ type }) => type === 'approval.answered' || type === 'approval.applied')).toHaveLength(2);
    for (const id of Object.values(this.#ids)) expectSoundLog(await api.log(id));
    const sent = new Tally();
    sent.messages(this.far.name, device.sent(idle), await api.log(idle));
    expect(sent).toEqual(new Tally());
  }
}

it('STREAM4, STREAM5, LINK13: a shell that floods on a machine behind 1 Mbit/s, 50 watching, holds up nothing else there, and memory is bounded', async () => {
  const [far] = machines;
  if (far === undefined) throw new Error('there is none');
  const { workspaceId, line } = far;
  device = new Device({ url: holdfast.origin, key: api.key });
  const [flooding, quiet, agent] = [
    await api.create({ kind: 'terminal', workspaceId }),
    await api.create({ kind: 'terminal', workspaceId }),
    await demo(workspaceId, 'ls'),
  ];
  const followed = device.follow(agent);
  const [flood, echo] = [shown(flooding), shown(quiet)];
  await api.fact(agent, 'turn.ended');
  await eventually('up to date', () => device.live);
  const of = <T extends Fact['type']>(type: T) => followed.facts.filter((fact) => fact.type === type);
  const pid = serverPid(holdfast);
  const live = async (): Promise<number> =>
    (await metric(holdfast, api.key, 'nodejs_heap_size_used_bytes')) +
    (await metric(holdfast, api.key, 'nodejs_external_memory_bytes'));
  const dialled = line.accepted;
  line.set({ upRate: slowLine, downRate: slowLine });
  const [stopping, keys] = [device.client.input(flooding), device.client.input(quiet)];
  // Each of them is behind all the time.
  const watchers = Array.from({ length: 50 }, () => new Watcher({ sessionId: flooding, key: api.key }));
  for (const watcher of watchers) watcher.connect(holdfast.origin);
  await eventually('all are there', () => watchers.every(({ live }) => live));
  stopping.write('yes flood-flood-flood-flood-flood-flood\r');
  await eventually('the flood', () => flood().includes('flood-flood-flood\r\nflood'));
  // What waits for the line has gathered.
  await moment(2_000);
  const before = { resident: residentBytes(pid), live: await live() };
  const most = { ...before };
  const worst = { asked: 0, applied: 0, echoed: 0, stopped: 0 };
  const timed = async (what: keyof typeof worst, look: () => boolean): Promise<void> => {
    const began = performance.now();
    await eventually(what, look, 30_000);
    worst[what] = Math.max(worst[what], performance.now() - began);
  };
  for (let round = 1; round <= (soak ? 60 : 3); round += 1) {
    device.send(agent, `run echo round-${round}`);
    await timed('asked', () => of('approval.requested').length === round);
    const { approvalId } = of('approval.requested').at(-1)?.data as FactData<'approval.requested'>;
    device.command(agent, { type: 'approval.answer', approvalId, answer: { decision: 'allow' } });
    await timed('applied', () => of('approval.applied').length === round);
    keys.write(`echo echo-$((${round}+100))\r`);
    await timed('echoed', () => echo().includes(`echo-${round + 100}\r`));
    most.resident = Math.max(most.resident, residentBytes(pid));
    most.live = Math.max(most.live, await live());
  }
  stopping.write('\u0003echo back-$((40+2))\r');
  await timed('stopped', () => flood().includes('back-42'));
  line.set({});
  await eventually('the others see it too', () => watchers.every(({ next }) => next === watchers[0]?.next));
  for (const watcher of watchers) watcher.close();
  const times = Object.entries(worst).map(([what, ms]) => `${what} ${Math.round(ms)} ms`);
  process.stdout.write(
    `\nat worst ${times.join(', ')}; server memory ${mebibytes(most.live - before.live)} MiB live, ` +
      `${mebibytes(most.resident - before.resident)} MiB resident more than at first\n`,
  );
  expect(line.accepted).toBe(dialled);
  // Of the line a second is in flight, and both machines are this one; a queue of what was printed is eight.
  for (const ms of Object.values(worst)) expect(ms).toBeLessThan(4_000);
  expect(mebibytes(most.live - before.live)).toBeLessThan(64);
  expect(mebibytes(most.resident - before.resident)).toBeLessThan(256);
});

const mebibytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);

/** The end of what a terminal has shown to the device, from now on. */
function shown(id: string): () => string {
  let text = '';
  const handle = device.client.openSession(
    id,
    { tty: { from: null } },
    {
      facts: () => undefined,
      reset: () => undefined,
      tty: (offset, data) => {
        text = (text + Buffer.from(data).toString()).slice(-4_000);
        handle.parsed(offset + data.byteLength);
      },
      screen: (screen) => {
        text = (text + screen.ansi).slice(-4_000);
        handle.parsed(screen.offset);
      },
    },
  );
  return () => text;
}

const seed = faultSeed();
const resets = soak ? 100 : 4;
it(
  `LINK2, LINK4, LINK22, TURN4: ${resets} resets of a machine's line under load: nothing is lost, doubled or misordered (seed ${seed})`,
  async () => {
    const [, far] = machines;
    if (far === undefined) throw new Error('there is none');
    const random = seededRandom(seed);
    const place = await Place.open(far.name, api, far.machine.workspaces, far.runnerId);
    const load = await Load.start(holdfast.origin, api, random, [place]);
    [device] = load.devices;
    const table = new RecoveryTable();
    try {
      for (let round = 0; round < resets; round += 1) {
        await moment(random.integer(1_500));
        const began = performance.now();
        far.line.cut(random.pick(['reset', 'drop']));
        await load.recovered();
        table.add('line', performance.now() - began);
      }
      await load.finish();
      const tally = await load.tally(true);
      process.stdout.write(`\n${table.text()}\n${load.summary()}\n${tally.counts}\n`);
      expect(tally).toEqual(new Tally());
    } finally {
      await load.dispose();
    }
  },
  soak ? 3_600_000 : 120_000,
);
