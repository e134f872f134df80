/** A message as the content of a user message of the Messages API: images first, then the text with the paths of other files. */
import type { SDKUserMessage } from '@anthropic-ai/claude-agent-sdk';
import type { TurnRequest } from '../driver.ts';
import { promptFiles, textWithPaths } from '../prompt-files.ts';

type Blocks = Exclude<SDKUserMessage['message']['content'], string>;

/** writeLimit: bytes of one write to the agent. */
export async function promptContent({ text, files }: TurnRequest, writeLimit: number): Promise<Blocks> {
  const { images, others } = await promptFiles(files, text, writeLimit);
  const words = textWithPaths(text, others);
  return [
    ...images.map(({ mediaType, data }): Blocks[number] => {
      return { type: 'image', source: { type: 'base64', media_type: mediaType, data } };
    }),
    // The API refuses an empty text.
    ...(words.trim() === '' ? [] : [{ type: 'text' as const, text: words }]),
  ];
}
