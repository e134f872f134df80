/** What came with a message, in words: the demo agent cannot see, but it can say what it was given. */
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ContentBlock } from '@agentclientprotocol/sdk';

interface ReceivedFile {
  readonly name: string;
  readonly mediaType: string;
  /** Bytes. */
  readonly size: number;
  readonly as: 'image' | 'link';
}

export function receivedFiles(prompt: readonly ContentBlock[]): ReceivedFile[] {
  return prompt.flatMap((block): ReceivedFile[] => {
    if (block.type === 'image') {
      const size = Buffer.from(block.data, 'base64').length;
      return [{ name: nameIn(block.uri), mediaType: block.mimeType, size, as: 'image' }];
    }
    if (block.type !== 'resource_link') return [];
    return [{ name: block.name, mediaType: block.mimeType ?? 'unknown', size: block.size ?? 0, as: 'link' }];
  });
}

export function filesWords(files: readonly ReceivedFile[]): string {
  const lines = files.map(({ name, mediaType, size, as }) => {
    const how = as === 'image' ? 'an image I was shown' : 'a file I was told the place of';
    return `- \`${name}\`: ${how} (${mediaType}, ${size} bytes)`;
  });
  return `I received ${files.length === 1 ? 'one file' : `${files.length} files`}:\n${lines.join('\n')}`;
}

function nameIn(uri: string | null | undefined): string {
  try {
    return basename(fileURLToPath(uri ?? ''));
  } catch {
    return 'an image';
  }
}
