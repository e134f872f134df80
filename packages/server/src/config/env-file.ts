/** KEY=value lines, as systemd's EnvironmentFile and docker's --env-file read them: no expansion, no `export`. */
export interface EnvFile {
  readonly values: ReadonlyMap<string, string>;
  readonly faults: readonly { readonly line: number; readonly message: string }[];
}

export function parseEnvFile(text: string): EnvFile {
  const values = new Map<string, string>();
  const faults: { line: number; message: string }[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const match = /^([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line);
    const name = match?.[1];
    if (name === undefined) {
      faults.push({ line: index + 1, message: 'is not KEY=value' });
    } else if (values.has(name)) {
      faults.push({ line: index + 1, message: `sets ${name} a second time` });
    } else {
      values.set(name, unquote(match?.[2] ?? ''));
    }
  }
  return { values, faults };
}

function unquote(value: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(value);
  return quoted?.[2] ?? value;
}
