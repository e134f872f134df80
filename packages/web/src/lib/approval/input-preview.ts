/** What a tool would do, drawn from its input: the command, the change, or the plain fields. */
import type { ApprovalHint } from '@holdfast/protocol/approval.ts';

export type InputPreview =
  | { readonly kind: 'command'; readonly command: string; readonly note: string | null }
  | { readonly kind: 'change'; readonly path: string; readonly removed: string; readonly added: string }
  | { readonly kind: 'plan'; readonly markdown: string }
  | { readonly kind: 'fields'; readonly fields: readonly { readonly name: string; readonly value: string }[] };

type Input = Readonly<Record<string, unknown>>;

const text = (input: Input, ...names: string[]): string | null => {
  for (const name of names) if (typeof input[name] === 'string') return input[name];
  return null;
};

export function inputPreview(input: Input): InputPreview {
  const plan = text(input, 'plan');
  if (plan !== null) return { kind: 'plan', markdown: plan };
  const command = text(input, 'command');
  if (command !== null) return { kind: 'command', command, note: text(input, 'description') };
  const path = text(input, 'file_path', 'path');
  const added = text(input, 'new_string', 'content');
  if (path !== null && added !== null) {
    return { kind: 'change', path, removed: text(input, 'old_string') ?? '', added };
  }
  return { kind: 'fields', fields: Object.entries(input).map(([name, value]) => ({ name, value: asText(value) })) };
}

/** The one text of an input that a person may change before they allow it. */
export function editableMember(input: Input): { name: string; label: string; text: string } | null {
  const members = [
    { name: 'command', label: 'Command' },
    { name: 'content', label: 'New content' },
    { name: 'new_string', label: 'New text' },
  ];
  for (const member of members) {
    const value = input[member.name];
    if (typeof value === 'string') return { ...member, text: value };
  }
  return null;
}

export const hintWords = (hint: ApprovalHint): string =>
  hint.kind === 'outside'
    ? `Outside the workspace: ${hint.path}`
    : `Leaves this machine${hint.to === undefined ? '' : `: ${hint.to}`}`;

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value, null, 2));

/** A change without its surroundings as a patch: all that goes, then all that comes. */
export function patchOf(removed: string, added: string): string {
  const lines = (mark: string, block: string): string[] =>
    block === ''
      ? []
      : block
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => mark + line);
  return [...lines('-', removed), ...lines('+', added)].join('\n');
}
