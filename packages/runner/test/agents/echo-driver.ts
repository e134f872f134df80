/** The smallest agent: a shell script in the holder that answers each message in one block, and its driver. */
import type { HeldProcess } from '@holdfast/holder/process.ts';
import { fail, ok } from '@holdfast/protocol/error.ts';
import type { FactDraft } from '@holdfast/protocol/fact.ts';
import type { AgentDriver, AttachedAgent, DriverContext } from '@holdfast/runner/agents/driver.ts';
import type { AttachedFile } from '@holdfast/runner/uploads/uploads.ts';

/**
 * Lines in: `turn <turnId> <text>`, `stop <turnId>`, `quit`, and `wake <turnId>` and `answer <turnId>` for a turn that it
 * begins by itself and for its end. Lines out: `said <turnId> <text>`, `began <turnId>`, `ended <turnId> <outcome>`.
 */
const script = `
while read -r verb turn text; do
  case "$verb $text" in
    "turn wait") echo "said $turn waiting" ;;
    "turn die") echo "said $turn dying"; kill -9 $$ ;;
    "turn leave") setsid sleep 1006 > /dev/null & echo "said $turn leaving"; sleep 0.2; kill -9 $$ ;;
    "turn dream") echo "said $turn dreaming"; echo "ended $turn completed"; echo "began own-$turn" ;;
    "wake "*) echo "began own-$turn" ;;
    "answer "*) case "$turn" in own-*) echo "ended $turn completed" ;; esac ;;
    "turn flood") for i in $(seq 1 300); do echo "said $turn $i $(printf %050000d 0)"; done; echo "ended $turn completed" ;;
    "turn "*) echo "said $turn $text"; echo "ended $turn completed" ;;
    "stop "*) echo "ended $turn stopped" ;;
    "quit "*) exit 0 ;;
  esac
done
`;

export class EchoDriver implements AgentDriver {
  readonly provider = 'echo';
  readonly calls: string[] = [];
  /** That came with messages. */
  readonly files: AttachedFile[] = [];
  startError: string | null = null;
  /** Refuses every message. */
  deaf = false;
  /** A prompt does not reach the agent, and fails when its driver leaves. */
  holdPrompts = false;
  /** Sessions with something to do that is no turn. */
  readonly busy = new Set<string>();
  /** What never answers: calls; 'end': it does not tell that its process has ended. Of drivers made from then on. */
  readonly silent = new Set<'start' | 'prompt' | 'stop' | 'mode' | 'end'>();
  /** Of each driver made: is it silent? Default: all are. */
  isSilent: (driverNumber: number) => boolean = () => true;
  #made = 0;

  info() {
    const { provider } = this;
    return Promise.resolve({ provider, name: 'Echo', description: '', available: true, remedy: [], models: [] });
  }

  async start(processId: string, context: DriverContext) {
    this.calls.push(`start ${processId} ${context.meta.conversationId}`);
    if (this.silent.has('start')) return never();
    if (this.startError !== null) return fail('agent_unavailable', this.startError);
    const spec = { kind: 'pipe' as const, file: '/bin/bash', args: ['-c', script], cwd: context.meta.cwd, env: {} };
    const spawned = await context.holder.spawn(processId, spec, { ...context.meta });
    if (!spawned.ok) return fail('agent_unavailable', spawned.error.message);
    return ok(this.#attached(spawned.value, 0, context));
  }

  attach(process: HeldProcess, from: number, context: DriverContext): AttachedAgent {
    this.calls.push(`attach ${process.id} ${from}`);
    return this.#attached(process, from, context);
  }

  #attached({ id, exit }: HeldProcess, from: number, { holder, events, meta }: DriverContext): AttachedAgent {
    const silent = this.isSilent((this.#made += 1)) ? new Set(this.silent) : new Set<string>();
    let unread = Buffer.alloc(0);
    let position = from;
    let ended = false;
    let gone = exit;
    let detached = false;
    const left = Promise.withResolvers<void>();
    const firstLine = Promise.withResolvers<void>();
    const woken = Promise.withResolvers<void>();
    let own = meta.turn !== null && 'position' in meta.turn && meta.turn.position <= from;
    const tellEnd = (): void => {
      if (ended && gone !== null && !detached && !silent.has('end')) events.ended(position + 1, gone);
    };
    const reading = holder.read(id, 'out', from, {
      data: (_offset, bytes) => {
        unread = Buffer.concat([unread, bytes]);
        for (let end = unread.indexOf(10); end >= 0 && !detached; end = unread.indexOf(10)) {
          position += end + 1;
          const line = unread.subarray(0, end).toString();
          unread = unread.subarray(end + 1);
          if (line.startsWith('began ')) {
            own = true;
            woken.resolve();
          } else if (line.startsWith('ended ')) own = false;
          events.facts(position, [factOf(line, position, meta.generation)]);
          firstLine.resolve();
        }
      },
      gap: () => undefined,
      end: () => {
        ended = true;
        tellEnd();
      },
    });
    const unsubscribe = holder.onExit((process) => {
      if (process.id !== id) return;
      gone = process.exit;
      tellEnd();
    });
    const write = async (line: string, token: string) => {
      this.calls.push(line);
      const written = await holder.write(id, Buffer.from(`${line}\n`), token);
      return written.ok ? ok(null) : fail('unavailable', written.error.message);
    };
    return {
      startTurn: async ({ turnId, messageId, text, files }) => {
        if (silent.has('prompt')) {
          await write(`turn ${turnId} ${text}`, messageId);
          return never();
        }
        if (text === 'race' && !this.calls.includes(`wake ${turnId} `)) {
          await write(`wake ${turnId} `, `wake-${turnId}`);
          await woken.promise;
        }
        if (own) return fail('conflict', 'it is in a turn of its own');
        if (this.deaf) return fail('unavailable', 'it does not listen');
        if (this.holdPrompts) {
          this.calls.push(`hold ${turnId}`);
          await left.promise;
          return fail('unavailable', 'The driver has left.');
        }
        this.files.push(...files);
        const written = await write(`turn ${turnId} ${text}`, messageId);
        // The agent may well be quicker than the answer that it has the message.
        if (text === 'hello') await firstLine.promise;
        return written;
      },
      stopTurn: (turnId) => (silent.has('stop') ? never() : write(`stop ${turnId} `, `stop-${turnId}`)),
      answer: (approvalId) => write(`answer ${approvalId} `, approvalId),
      setMode: async (mode) => {
        this.calls.push(`mode ${mode}`);
        if (silent.has('mode')) return never();
        await events.updateMeta({ conversationId: `talk-${meta.sessionId}` });
        return ok(null);
      },
      setModel: (model) => {
        this.calls.push(`model ${model}`);
        return Promise.resolve(ok(null));
      },
      isBusy: () => this.busy.has(meta.sessionId),
      previews: () => [{ blockId: 'b', turnId: 't', kind: 'text', offset: 0, text: id }],
      stop: async () => {
        await (silent.has('stop') ? never() : write('quit  ', 'quit'));
      },
      detach: () => {
        detached = true;
        left.resolve();
        reading.close();
        unsubscribe();
      },
    };
  }
}

const never = (): Promise<never> => new Promise(() => undefined);

function factOf(line: string, position: number, generation: number): FactDraft {
  const [verb = '', turnId = '', ...rest] = line.split(' ');
  if (verb === 'began') {
    return { type: 'turn.started', data: { turnId, generation, messageId: turnId, cause: { kind: 'unknown' } } };
  }
  return verb === 'said'
    ? {
        type: 'message.assistant',
        data: { blockId: `block-${position}`, turnId, kind: 'text', text: rest.join(' ') },
      }
    : { type: 'turn.ended', data: { turnId, outcome: rest[0] === 'stopped' ? 'stopped' : 'completed' } };
}
