/**
 * Queries of the hot paths, whose text is always the same: built and compiled once, then only filled in. Compiling
 * costs several times what SQLite takes to run such a query.
 */
import { sql } from 'kysely';
import type { Compilable, CompiledQuery, RawBuilder } from 'kysely';
import type { Build } from './engine.ts';

class Blank {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Stands in a query for the value that each use brings under this name. */
export type Place<Values> = <Name extends keyof Values & string>(name: Name) => RawBuilder<Values[Name]>;

const place = (name: string) => sql.val(new Blank(name)) as unknown as RawBuilder<never>;

/** `make` is called once per builder, and must make the same query whatever the values will be. */
export function prepared<Values extends Record<string, unknown>, Row>(
  make: (build: Build, place: Place<Values>) => Compilable<Row>,
): (build: Build, values: Values) => Compilable<Row> {
  const compiled = new WeakMap<Build, CompiledQuery<Row>>();
  return (build, values) => ({
    compile() {
      const kept = compiled.get(build) ?? make(build, place).compile();
      compiled.set(build, kept);
      const parameters = kept.parameters.map((value) => (value instanceof Blank ? values[value.name] : value));
      return { ...kept, parameters };
    },
  });
}
