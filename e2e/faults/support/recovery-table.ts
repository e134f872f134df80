/** Times to recover, per kind of fault and of all. */
export class RecoveryTable {
  readonly #times = new Map<string, number[]>();

  add(kind: string, ms: number): void {
    this.#times.set(kind, [...(this.#times.get(kind) ?? []), ms]);
  }

  text(): string {
    const rows = [...this.#times, ['all', [...this.#times.values()].flat()] as const].map(([kind, times]) => {
      const sorted = times.toSorted((a, b) => a - b);
      const at = (share: number): string => `${Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0)}`;
      return [kind, String(times.length), at(0.5), at(1)];
    });
    const line = (cells: readonly string[]): string =>
      cells.map((cell, index) => (index === 0 ? cell.padEnd(10) : cell.padStart(10))).join('');
    return [line(['killed', 'rounds', 'median ms', 'worst ms']), ...rows.map(line)].join('\n');
  }
}
