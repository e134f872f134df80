/** A tool call's line without the name that already stands before it: "write notes.md" of write is "notes.md". */
export function withoutName(title: string, tool: string): string {
  if (!title.toLowerCase().startsWith(tool.toLowerCase())) return title;
  const rest = title.slice(tool.length);
  if (rest === '') return '';
  const separator = /^:?\s+/.exec(rest);
  return separator === null ? title : rest.slice(separator[0].length);
}
