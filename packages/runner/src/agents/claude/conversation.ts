import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Whether Claude Code still has the conversation: one that died before its first answer, or was cleaned up, it cannot resume. */
export function hasConversation(configDirectory: string, conversationId: string): boolean {
  const projects = join(configDirectory, 'projects');
  try {
    return readdirSync(projects).some((project) => existsSync(join(projects, project, `${conversationId}.jsonl`)));
  } catch {
    return false;
  }
}
