/** The demo agent's commands. */
import { resolve } from 'node:path';
import { type DemoCommand, commandList } from './command.ts';
import type { Exchange } from './memory.ts';
import { runCommand } from './run-command.ts';
import { type Turn, TurnStopped } from './turn.ts';
import { WorkspaceError, listFolder, readTextFile, textBefore, writeTextFile } from './workspace.ts';

const commandLimits = { time: 60_000, output: 256 * 1024 } as const;

/** before: the earlier exchanges of this conversation. Throws TurnStopped when the turn is stopped. */
export async function perform(command: DemoCommand, turn: Turn, before: readonly Exchange[]): Promise<void> {
  switch (command.name) {
    case 'help':
      return turn.say(`${introduction}\n\n${commandLines()}\n`);
    case 'hello':
      return turn.say(
        `${introduction} I cannot understand free text, but everything else here is real: ` +
          `try one of these commands.\n\n${commandLines()}\n`,
      );
    case 'misused':
      return turn.say(`That command is meant like this: \`${command.usage}\`\n`);
    case 'ls':
      return look(turn, { title: `ls ${command.path}`, name: 'ls', kind: 'search' }, command.path, listFolder);
    case 'read':
      return look(turn, { title: `read ${command.path}`, name: 'read', kind: 'read' }, command.path, readTextFile);
    case 'write':
      return write(turn, command.path, command.text);
    case 'run':
      return run(turn, command.command);
    case 'ask':
      return ask(turn);
    case 'plan':
      return plan(turn);
    case 'think':
      await turn.think('There is no model behind me, so I only pretend: I look at the question, turn it around once, ');
      await turn.think('and decide that the honest answer is the short one.\n');
      return turn.say('I have thought about it: this is a demo, and it works.\n');
    case 'stream':
      return stream(turn, command.words);
    case 'history':
      return history(turn, before);
  }
}

const introduction = 'I am the demo agent: **demo, no model**. I do real work by simple commands.';

const commandLines = (): string => commandList.map(([usage, what]) => `- \`${usage}\`: ${what}`).join('\n');

async function look(
  turn: Turn,
  call: { readonly title: string; readonly name: string; readonly kind: 'read' | 'search' },
  path: string,
  work: (cwd: string, path: string) => Promise<string>,
): Promise<void> {
  const toolCallId = await turn.begin({ ...call, status: 'in_progress', rawInput: { path } });
  const found = await attempt(() => work(turn.cwd, path));
  await turn.progress({ toolCallId, status: found.ok ? 'completed' : 'failed', content: [textContent(found.text)] });
  if (!found.ok) return turn.say(`${found.text}\n`);
  const lines = found.text.split('\n').length;
  return turn.say(`Here is \`${path}\` (${lines} line${lines === 1 ? '' : 's'}): open the tool call to see it.\n`);
}

async function write(turn: Turn, path: string, text: string): Promise<void> {
  await turn.say(`I will write \`${path}\`, if you let me.\n`);
  const before = await attempt(() => textBefore(turn.cwd, path));
  if (!before.ok) return turn.say(`${before.text}\n`);
  const diff = {
    type: 'diff' as const,
    path: resolve(turn.cwd, path),
    oldText: before.text,
    newText: text,
  };
  const call = { title: `write ${path}`, name: 'write', kind: 'edit' as const, rawInput: { path, content: text } };
  const toolCallId = await turn.begin({ ...call, status: 'pending', content: [diff] });
  const leave = await turn.leave('write', { toolCallId, ...call, content: [diff] });
  if (!leave.allowed) return denied(turn, toolCallId, 'I did not write it', leave.message);
  await turn.progress({ toolCallId, status: 'in_progress' });
  const changed = leave.updatedInput?.['content'];
  const newText = typeof changed === 'string' ? changed : text;
  const written = await attempt(async () => {
    await writeTextFile(turn.cwd, path, newText);
    return `${Buffer.byteLength(newText)} bytes written`;
  });
  await turn.progress({
    toolCallId,
    status: written.ok ? 'completed' : 'failed',
    content: written.ok ? [{ ...diff, newText }, textContent(written.text)] : [textContent(written.text)],
  });
  return turn.say(written.ok ? `Done: \`${path}\` is written.\n` : `${written.text}\n`);
}

async function run(turn: Turn, asked: string): Promise<void> {
  const call = { title: asked, name: 'run', kind: 'execute' as const, rawInput: { command: asked } };
  const toolCallId = await turn.begin({ ...call, status: 'pending' });
  const leave = await turn.leave('run', { toolCallId, ...call });
  if (!leave.allowed) return denied(turn, toolCallId, 'I did not run it', leave.message);
  const changed = leave.updatedInput?.['command'];
  const command = typeof changed === 'string' ? changed : asked;
  await turn.progress({ toolCallId, status: 'in_progress' });
  let output = '';
  let told = Promise.resolve();
  let waiting = false;
  const end = await runCommand(command, turn.cwd, commandLimits, turn.signal, (text) => {
    output += text;
    if (waiting) return;
    // What comes while one update is under way goes with the next.
    waiting = true;
    told = told.then(async () => {
      await turn.pause(100);
      waiting = false;
      await turn.progress({ toolCallId, content: [textContent(output)] });
    });
    told.catch(() => undefined);
  });
  if (end.reason === 'stopped') throw new TurnStopped('stopped');
  await told;
  const well = end.reason === 'exited' && end.exitCode === 0;
  const how = end.reason === 'exited' ? `exit code ${String(end.exitCode)}` : end.reason;
  await turn.progress({
    toolCallId,
    status: well ? 'completed' : 'failed',
    content: [textContent(output === '' ? `(no output, ${how})` : output)],
  });
  return turn.say(`It ended: ${how}.\n`);
}

async function denied(turn: Turn, toolCallId: string, what: string, message: string | null): Promise<void> {
  await turn.progress({ toolCallId, status: 'failed', content: [textContent('Denied.')] });
  return turn.say(message === null ? `${what}.\n` : `${what}. You said: “${message}”\n`);
}

async function ask(turn: Turn): Promise<void> {
  await turn.say('One question.\n');
  const answer = await turn.choose('What would you like to see next?', [
    'Streaming',
    'A file written',
    'A command run',
  ]);
  return turn.say(answer === null ? 'No answer is an answer too.\n' : `You chose “${answer}”. ${hint(answer)}\n`);
}

function hint(answer: string): string {
  const hints: Record<string, string> = {
    Streaming: 'Type `stream 200`.',
    'A file written': 'Type `write hello.txt Hello`.',
    'A command run': 'Type `run uname -a`.',
  };
  return hints[answer] ?? 'I do not know that one, but I heard you.';
}

async function plan(turn: Turn): Promise<void> {
  const steps = ['Look at the folder', 'Count what is in it', 'Tell you'];
  let names: string[] = [];
  for (let step = 0; step <= steps.length; step += 1) {
    await turn.plan(
      steps.map((content, index) => ({
        content,
        priority: 'medium',
        status: index < step ? 'completed' : index === step ? 'in_progress' : 'pending',
      })),
    );
    if (step === 0) {
      const found = await attempt(() => listFolder(turn.cwd, '.'));
      names = !found.ok || found.text === '(empty)' ? [] : found.text.split('\n');
    }
    await turn.pause(turn.pace.word);
  }
  return turn.say(`Planned and done: this folder has ${names.length} entries.\n`);
}

const alphabet = 'alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november'.split(' ');

async function stream(turn: Turn, words: number): Promise<void> {
  for (let index = 1; index <= words; index += 1) {
    await turn.write('agent_message_chunk', `${alphabet[index % alphabet.length] ?? ''}-${index} `);
    await turn.pause(turn.pace.word);
  }
}

async function history(turn: Turn, before: readonly Exchange[]): Promise<void> {
  if (before.length === 0) return turn.say('This is the first thing you said to me: I remember nothing else.\n');
  const lines = before.slice(-20).map(({ asked, answered }) => {
    const question = asked.trim().split('\n')[0]?.slice(0, 80) ?? '';
    return `- you said \`${question}\`${answered === null ? ', and I was cut off before I had answered' : ''}`;
  });
  return turn.say(`I remember ${before.length} message${before.length === 1 ? '' : 's'}:\n${lines.join('\n')}\n`);
}

type Attempt<T> = { readonly ok: true; readonly text: T } | { readonly ok: false; readonly text: string };

async function attempt<T>(work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, text: await work() };
  } catch (error) {
    if (error instanceof WorkspaceError) return { ok: false, text: error.message };
    throw error;
  }
}

const textContent = (text: string) => ({ type: 'content' as const, content: { type: 'text' as const, text } });
