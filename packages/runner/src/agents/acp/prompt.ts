/** A message as the blocks of a prompt: images where the agent takes them, other files as links to where they lie. */
import { pathToFileURL } from 'node:url';
import type { ContentBlock } from '@agentclientprotocol/sdk';
import type { TurnRequest } from '../driver.ts';
import { promptFiles } from '../prompt-files.ts';

/** writeLimit: bytes of one write to the agent. */
export async function promptBlocks(
  { text, files }: TurnRequest,
  takesImages: boolean,
  writeLimit: number,
): Promise<ContentBlock[]> {
  const { images, others } = takesImages ? await promptFiles(files, text, writeLimit) : { images: [], others: files };
  const uri = (path: string): string => pathToFileURL(path).href;
  return [
    ...images.map(({ file, mediaType, data }): ContentBlock => {
      return { type: 'image', mimeType: mediaType, data, uri: uri(file.path) };
    }),
    ...others.map(({ name, mediaType, size, path }): ContentBlock => {
      return { type: 'resource_link', name, mimeType: mediaType, size, uri: uri(path) };
    }),
    ...(text.trim() === '' ? [] : [{ type: 'text' as const, text }]),
  ];
}
