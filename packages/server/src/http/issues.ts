/** A schema's complaints as one error, the same on every door. Values are not repeated: they may be secret. */
import type { ErrorBody } from '@holdfast/protocol/error.ts';

export interface Issue {
  readonly path: readonly PropertyKey[];
  readonly code: string;
  readonly message: string;
  /** Of a union: the field that chooses, and what it may be. */
  readonly discriminator?: string | undefined;
  readonly options?: readonly unknown[] | undefined;
  /** Of a list of values: those there are. */
  readonly values?: readonly unknown[] | undefined;
}

const told = 10;

/**
 * bad_request; unknown_kind if all that is wrong is that the session kind or command type is none this server has:
 * details.known are those it has.
 */
export function issuesError(issues: readonly Issue[]): ErrorBody {
  const first = issues
    .slice(0, told)
    .map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }));
  const lines = first.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const more = issues.length > told ? [`and ${issues.length - told} more`] : [];
  const message = [...lines, ...more].join('; ').slice(0, 2_000);
  if (!issues.every(isUnknownKind)) return { kind: 'bad_request', message, details: { issues: first } };
  const known = issues.flatMap(({ values, options }) => values ?? options ?? []);
  return { kind: 'unknown_kind', message, details: { issues: first, known } };
}

function isUnknownKind({ path, code, discriminator }: Issue): boolean {
  const field = path.at(-1);
  if (code === 'invalid_union') return discriminator === 'type' && field === 'type';
  return code === 'invalid_value' && path.length === 1 && field === 'kind';
}
