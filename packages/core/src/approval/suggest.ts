import type { RuleMatch } from '@holdfast/protocol/rule.ts';
import { type ToolCall, subjectOf } from './call.ts';
import { isInFolder } from './normal-path.ts';
import { plainWords } from './plain-words.ts';
import { matches } from './rule.ts';

/** Rules that a person may want after a call like this, the narrowest first. Each matches it. */
export function suggestRules(call: ToolCall): RuleMatch[] {
  return candidates(call).filter((match) => matches(match, call));
}

function candidates(call: ToolCall): RuleMatch[] {
  const { tool, cwd } = call;
  const subject = subjectOf(call);
  switch (subject?.kind) {
    case undefined:
      return [];
    case 'command': {
      const words = prefixOf(subject.command);
      const exact: RuleMatch = { kind: 'command', tool, command: subject.command };
      return words === null ? [exact] : [exact, { kind: 'prefix', tool, words }];
    }
    case 'file': {
      const own = subject.path.slice(0, subject.path.lastIndexOf('/'));
      const folders = isInFolder(subject.path, cwd) && own !== cwd ? [own, cwd] : [own];
      return folders.map((folder): RuleMatch => ({ kind: 'folder', tool, folder }));
    }
    case 'address':
      return [{ kind: 'host', tool, host: subject.host }];
    case 'none':
      return [{ kind: 'tool', tool }];
  }
}

/** The program and what it is told to do, as in `git push` or `npm run build`. */
function prefixOf(command: string): string[] | null {
  const [program, ...rest] = plainWords(command) ?? [];
  if (program === undefined) return null;
  const verbs = rest.slice(0, rest[0] === 'run' ? 2 : 1);
  return verbs.length > 0 && verbs.every((verb) => /^[a-z][a-z0-9:-]*$/i.test(verb)) ? [program, ...verbs] : null;
}
