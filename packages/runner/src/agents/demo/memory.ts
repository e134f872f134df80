/** What the demo agent remembers of its conversations, a JSON file each. Written before and after every answer. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const exchangeSchema = z.object({
  asked: z.string(),
  /** null: it was cut off before it had answered. */
  answered: z.string().nullable(),
});
export type Exchange = z.infer<typeof exchangeSchema>;

const conversationSchema = z.object({ cwd: z.string(), exchanges: z.array(exchangeSchema) });
export type Conversation = z.infer<typeof conversationSchema>;

const idPattern = /^[A-Za-z0-9_-]{1,64}$/;
const mostExchanges = 200;
const longestText = 4_000;

export class DemoMemory {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** null: nothing is known of it. */
  async recall(id: string): Promise<Conversation | null> {
    if (!idPattern.test(id)) return null;
    try {
      const parsed = conversationSchema.safeParse(JSON.parse(await readFile(this.#file(id), 'utf8')));
      return parsed.success ? parsed.data : null;
    } catch {
      return null;
    }
  }

  async keep(id: string, conversation: Conversation): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const exchanges = conversation.exchanges.slice(-mostExchanges).map(({ asked, answered }) => ({
      asked: asked.slice(0, longestText),
      answered: answered?.slice(0, longestText) ?? null,
    }));
    const file = this.#file(id);
    await writeFile(`${file}.new`, JSON.stringify({ ...conversation, exchanges }), { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  #file(id: string): string {
    return join(this.#directory, `${id}.json`);
  }
}
