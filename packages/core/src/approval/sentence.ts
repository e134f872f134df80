/** Rules in words. */
import type { RuleMatch } from '@holdfast/protocol/rule.ts';

/** What it allows: "Bash: git status …", as the rest of a sentence or a line of a list. */
export function ruleWords(match: RuleMatch): string {
  switch (match.kind) {
    case 'command':
      return `${match.tool}: exactly ${match.command}`;
    case 'prefix':
      return `${match.tool}: ${match.words.join(' ')} …`;
    case 'folder':
      return `${match.tool}: files in ${match.folder}`;
    case 'host':
      return `${match.tool}: ${match.host}`;
    case 'tool':
      return `${match.tool}: every use`;
  }
}
