/** What must be true once everything is healed and quiet. Each answer begins with the rule that was broken. */
import { isDeepStrictEqual } from 'node:util';
import { foldFacts } from '@holdfast/core/client/fold.ts';
import { newTranscript } from '@holdfast/core/client/transcript.ts';
import { apply } from '@holdfast/core/session/apply.ts';
import type { Fact } from '@holdfast/protocol/fact.ts';
import type { SessionState } from '@holdfast/protocol/session-state.ts';
import { partDifferences } from '@holdfast/testkit/transcript-part.ts';
import { faultsOfLog } from './log-rules.ts';
import type { Issued } from './simulated-page.ts';
import { replay } from './simulated-server.ts';
import type { World } from './world.ts';

export function faultsAtTheEnd(world: World): string[] {
  return [
    ...[...world.watch.logs].flatMap(([id, { facts }]) => faultsOfLog(facts).map((fault) => `${fault} (${id})`)),
    ...faultsOfViews(world),
    ...faultsOfTails(world),
    ...faultsOfCommands(world),
    ...faultsOfPrompts(world),
    ...faultsOfKeys(world),
    ...faultsOfTexts(world),
  ];
}

/** What each device has of a log is its newest part, and what it shows is what one shows who read it all (LOG15). */
function faultsOfViews(world: World): string[] {
  const faults: string[] = [];
  for (const [id, { facts, row }] of world.watch.logs) {
    const whole = foldFacts(newTranscript(id), facts);
    for (const page of world.pages) {
      const view = page.views.get(id);
      if (view === undefined) {
        faults.push(`LOG7: ${page.name} has nothing of ${id}`);
        continue;
      }
      const { from, transcript } = view;
      if (!isDeepStrictEqual(view.facts, facts.slice(from - 1))) {
        faults.push(`LOG7: what ${page.name} has of ${id} is not its log from ${from} on`);
      }
      for (const difference of partDifferences(transcript, whole, facts, from)) {
        faults.push(`PAGE1: from ${from} on ${page.name} folds ${id} differently: ${difference}`);
      }
      if (from === 1 && !isDeepStrictEqual(transcript.items, whole.items)) {
        faults.push(`PAGE10: ${page.name} has all of ${id} and shows it differently`);
      }
      if (transcript.status !== row?.status) {
        faults.push(`LOG9: ${page.name} shows ${id} as ${transcript.status}, it is kept as ${row?.status}`);
      }
    }
  }
  return faults;
}

/** Every tail that was given began where it said, and came with the state of its own moment. */
function faultsOfTails(world: World): string[] {
  const faults: string[] = [];
  for (const { name, tails } of world.pages) {
    for (const { sessionId, tail } of tails) {
      const facts = world.watch.logs.get(sessionId)?.facts ?? [];
      const { from, lastSeq, base } = tail;
      const where = `the tail ${from} to ${lastSeq} of ${sessionId} for ${name}`;
      if (from !== Math.max(1, lastSeq - replay.tail + 1)) faults.push(`LOG8: ${where} begins elsewhere`);
      if (!isDeepStrictEqual(tail.facts, facts.slice(from - 1, lastSeq)))
        faults.push(`LOG8: ${where} is not the log's`);
      const state = facts
        .slice(0, lastSeq)
        .reduce<SessionState | null>((before, fact) => apply(before, fact, fact.at, sessionId), null);
      if (!isDeepStrictEqual(base, JSON.parse(JSON.stringify(state)))) faults.push(`LOG15: ${where} has another state`);
    }
  }
  return faults;
}

/** How often this command had its effect; null: it leaves no mark of its own. */
function effectsOf({ id, command }: Issued, facts: readonly Fact[]): number | null {
  const count = (has: (fact: Fact, index: number) => boolean): number => facts.filter(has).length;
  switch (command.type) {
    case 'message.send':
    case 'turn.resume':
      return count((fact) => fact.type === 'message.user' && fact.data.messageId === id);
    case 'session.rename':
      return count((fact) => fact.type === 'session.renamed' && fact.data.title === command.title);
    case 'model.set':
      return count((fact) => fact.type === 'model.changed' && fact.data.model === command.model);
    case 'approval.answer':
      return count(
        (fact) =>
          (fact.type === 'approval.answered' || fact.type === 'question.answered') &&
          fact.data.answer.message === command.answer.message,
      );
    case 'queue.edit': {
      let before = false;
      return count((fact) => {
        if (fact.type !== 'queue.changed') return false;
        const now = fact.data.queue.some(({ text }) => text === command.text);
        const edited = now && !before;
        before = now;
        return edited;
      });
    }
    default:
      return null;
  }
}

function faultsOfCommands(world: World): string[] {
  const faults: string[] = [];
  for (const page of world.pages) {
    const last = new Map<string, number>();
    for (const issued of page.issued.values()) {
      const { id, sessionId, command, stored, failed } = issued;
      const effects = effectsOf(issued, world.watch.logs.get(sessionId)?.facts ?? []);
      if (stored !== null && !issued.again) {
        const before = last.get(sessionId) ?? 0;
        if (stored < before) faults.push(`LINK6: ${id} came after a later one of ${page.name}`);
        last.set(sessionId, Math.max(before, stored));
      }
      if (effects === null) continue;
      if (stored !== null && effects !== 1) {
        faults.push(`LOG4: ${command.type} ${id} was acknowledged and had its effect ${effects} times`);
      }
      if (stored === null && failed && effects !== 0)
        faults.push(`LINK6: ${command.type} ${id} is called failed and was not`);
      if (effects > 1) faults.push(`LOG4: ${command.type} ${id} had its effect ${effects} times`);
      if (stored === null && effects === 1 && !issued.forgotten && !page.outbox.some((entry) => entry.id === id)) {
        faults.push(`LINK6: ${command.type} ${id} was done and nobody was told`);
      }
    }
  }
  return faults;
}

/** Only with a holder goes the knowledge of what its agents had taken up. */
function faultsOfPrompts(world: World): string[] {
  const taken = new Map<string, number>();
  for (const { prompted, holder } of world.holder.records()) {
    for (const turnId of prompted) {
      const name = `${turnId} in holder ${holder}`;
      taken.set(name, (taken.get(name) ?? 0) + 1);
    }
  }
  return [...taken]
    .filter(([, times]) => times > 1)
    .map(([name, times]) => `TURN4: ${name} was prompted ${times} times`);
}

/** Once and in order: the holder knows how far each stream is, whoever writes. */
function faultsOfKeys(world: World): string[] {
  const faults: string[] = [];
  const terminal = world.holder.records().find(({ sessionId }) => sessionId === world.terminalId);
  const arrived = (terminal?.typed ?? '').split(';').flatMap((text) => {
    const [base, number] = text.split(':');
    return base === undefined || number === undefined ? [] : [{ base, number: Number(number) }];
  });
  for (const page of world.pages) {
    for (const { base, keys, dropped, alive } of page.typed) {
      const numbers = arrived.filter((key) => key.base === base).map(({ number }) => number);
      const first = [...new Set(numbers)];
      if (first.some((number, index) => number !== index))
        faults.push(`LINK4: keys of ${base} arrived as ${first.join()}`);
      if (numbers.length !== first.length) {
        faults.push(`LINK4: keys of ${base} were applied twice: ${numbers.join()}`);
      }
      if (alive && !dropped && terminal?.alive === true && first.length !== keys) {
        faults.push(`LINK4: ${keys} keys of ${base} were typed and ${first.length} arrived`);
      }
    }
  }
  return faults;
}

/** Text sent as a command is an instruction: carried out once, whoever was struck down. */
function faultsOfTexts(world: World): string[] {
  const faults: string[] = [];
  const terminal = world.holder.records().find(({ sessionId }) => sessionId === world.terminalId);
  const arrived = (terminal?.typed ?? '').split(';').filter((text) => text !== '' && !text.includes(':'));
  const sent = world.pages
    .flatMap((page) => [...page.issued.values()])
    .flatMap((issued) => (issued.command.type === 'terminal.write' ? [{ ...issued, text: issued.command.data }] : []));
  if (new Set(arrived).size !== arrived.length) faults.push(`LINK2: text was written twice: ${arrived.join()}`);
  for (const page of world.pages) {
    const mine = sent
      .filter((issued) => issued.page === page.name && !issued.failed && !issued.again)
      .map(({ text }) => text.slice(0, -1));
    const order = arrived.filter((text) => mine.includes(text)).map((text) => mine.indexOf(text));
    if (order.some((place, index) => place < (order[index - 1] ?? -1)))
      faults.push(`LINK2: text of ${page.name} is out of order`);
  }
  if (terminal?.alive !== true) return faults;
  for (const { stored, text, id } of sent) {
    if (stored !== null && !arrived.includes(text.slice(0, -1))) faults.push(`LINK2: the text of ${id} never arrived`);
  }
  return faults;
}
