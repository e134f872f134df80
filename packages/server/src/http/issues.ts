/** A schema's complaints as one error, the same on every door. Values are not repeated: they may be secret. */
import type { ErrorBody } from '@holdfast/protocol/error.ts';

export interface Issue {
  readonly path: readonly PropertyKey[];
  readonly code: string;
  readonly message: string;
  /** Of a union: the field that chooses. */
  readonly discriminator?: string | undefined;
}

const told = 10;

/** bad_request; unknown_kind if all that is wrong is that the session kind or command type is none this server has. */
export function issuesError(issues: readonly Issue[]): ErrorBody {
  const first = issues
    .slice(0, told)
    .map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message }));
  const lines = first.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const more = issues.length > told ? [`and ${issues.length - told} more`] : [];
  const message = [...lines, ...more].join('; ').slice(0, 2_000);
  return { kind: issues.every(isUnknownKind) ? 'unknown_kind' : 'bad_request', message, details: { issues: first } };
}

function isUnknownKind({ path, code, discriminator }: Issue): boolean {
  const field = path.at(-1);
  if (code === 'invalid_union') return discriminator === 'type' && field === 'type';
  return code === 'invalid_value' && path.length === 1 && field === 'kind';
}
