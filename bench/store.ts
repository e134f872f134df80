/**
 * What the embedded store does in a second, beside plain node:sqlite on the same disk in the same run:
 *   node bench/store.ts [DIRECTORY]
 * The directory (default: the system's temporary one) decides the disk, and with it the price of a durable commit.
 * Rounds of all measures take turns, so that a disk that is slow for a while is slow for all. About 12 s.
 */
import { ok } from '@holdfast/protocol/error.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import { connect } from '@holdfast/store/sqlite/connection.ts';
import { openSqliteStore } from '@holdfast/store/sqlite/open.ts';
import type { Decide } from '@holdfast/store/store.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const rounds = 4;
/** Milliseconds of one measure in one round. */
const slice = 300;
const factsInBatch = 100;
const sessionCount = 1_000;

const now = (): string => new Date().toISOString();
const fact: FactDraft = {
  type: 'message.assistant',
  data: { blockId: 'b', turnId: 't', kind: 'text', text: 'x'.repeat(200) },
};
const decide =
  (facts: readonly FactDraft[]): Decide =>
  (session) =>
    ok({ facts, title: 'Bench', status: 'active', state: session.state, approvals: [], instructions: [] });
const one = decide([fact]);
const batch = decide(Array.from({ length: factsInBatch }, () => fact));

interface Measure {
  readonly name: string;
  /** Done once per call of `run`. */
  readonly unit: string;
  readonly amount: number;
  /** Name of the measure it is a share of. */
  readonly base?: string;
  readonly run: () => unknown;
  readonly durations: number[];
}

async function measureFor(measure: Measure, milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds;
  for (let start = performance.now(); start < end;) {
    await measure.run();
    const now = performance.now();
    measure.durations.push(now - start);
    start = now;
  }
}

const rate = (measure: Measure): number =>
  (measure.amount * measure.durations.length * 1_000) / measure.durations.reduce((sum, value) => sum + value, 0);

function row(measure: Measure, all: readonly Measure[]): string {
  const sorted = measure.durations.toSorted((a, b) => a - b);
  const quantile = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2).padStart(8);
  const base = all.find((other) => other.name === measure.base);
  const share = base ? `${Math.round((100 * rate(measure)) / rate(base))} %` : '';
  const perSecond = Math.round(rate(measure)).toLocaleString('en');
  return [
    measure.name.padEnd(34),
    `${perSecond} ${measure.unit}/s`.padStart(20),
    share.padStart(7),
    quantile(0.5),
    quantile(0.99),
  ].join('  ');
}

const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'holdfast-bench-'));
try {
  const opened = await openSqliteStore({ path: join(directory, 'holdfast.sqlite') });
  if (!opened.ok) throw new Error(opened.error.message);
  const store = opened.value;
  await store.createWorkspace({ id: 'w', name: 'w', path: '/w', runnerId: 'r', ownerId: 'o', createdAt: now() });
  const session = { kind: 'agent', workspaceId: 'w', ownerId: 'o', runnerId: 'r' } as const;
  for (let index = 0; index < sessionCount; index += 1) {
    await store.createSession({ ...session, id: `s${index}`, at: now() }, null, one);
  }

  const raw = connect(join(directory, 'raw.sqlite'), 0);
  raw.exec(
    'create table facts (session_id text, seq integer, at text, type text, actor text, data text, ' +
      'primary key (session_id, seq)) strict, without rowid',
  );
  const insert = raw.prepare('insert into facts values (?, ?, ?, ?, ?, ?)');
  const data = JSON.stringify(fact.data);
  let count = 0;
  const insertRaw = () => insert.run('s0', (count += 1), now(), fact.type, null, data);

  const measures: Measure[] = [
    { name: 'raw insert, durable', unit: 'facts', amount: 1, run: insertRaw },
    {
      name: 'command, 1 fact',
      unit: 'facts',
      amount: 1,
      base: 'raw insert, durable',
      run: () => store.command('s0', { commandId: `c${(count += 1)}`, fingerprint: 'f' }, now(), one),
    },
    {
      name: 'report, 1 fact',
      unit: 'facts',
      amount: 1,
      base: 'raw insert, durable',
      run: () => store.report('s0', { source: 'stdout', position: (count += 1) }, now(), one),
    },
    {
      name: `raw transaction, ${factsInBatch} facts`,
      unit: 'facts',
      amount: factsInBatch,
      run: () => {
        raw.exec('begin');
        for (let index = 0; index < factsInBatch; index += 1) insertRaw();
        raw.exec('commit');
      },
    },
    {
      name: `report, ${factsInBatch} facts`,
      unit: 'facts',
      amount: factsInBatch,
      base: `raw transaction, ${factsInBatch} facts`,
      run: () => store.report('s1', { source: 'stdout', position: (count += 1) }, now(), batch),
    },
    {
      name: 'repeated report',
      unit: 'calls',
      amount: 1,
      run: () => store.report('s1', { source: 'stdout', position: 1 }, now(), one),
    },
    { name: 'page of 100 facts', unit: 'pages', amount: 1, run: () => store.factsAfter('s1', 1, 100) },
    {
      name: `50 of ${sessionCount} sessions`,
      unit: 'pages',
      amount: 1,
      run: () => store.sessions({ ownerId: 'o', limit: 50 }),
    },
    { name: 'one session', unit: 'rows', amount: 1, run: () => store.session('s0') },
  ].map((measure) => ({ ...measure, durations: [] }));
  await store.report('s1', { source: 'stdout', position: 1 }, now(), batch);

  for (let round = 0; round < rounds; round += 1) {
    for (const measure of measures) await measureFor(measure, slice);
  }
  await store.close();
  raw.close();
  const head = `${''.padEnd(34)}  ${'rate'.padStart(20)}  ${'of raw'.padStart(7)}    p50 ms    p99 ms`;
  process.stdout.write(`${[head, ...measures.map((measure) => row(measure, measures))].join('\n')}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
