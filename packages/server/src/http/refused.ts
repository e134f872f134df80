/** How a handler gives an expected failure to the one place that turns failures into answers (error-answers.ts). */
import type { ErrorBody, Result } from '@holdfast/protocol/error.ts';

export class Refused extends Error {
  readonly body: ErrorBody;

  constructor(body: ErrorBody) {
    super(body.message);
    this.body = body;
  }
}

/** The value, or throws Refused. */
export function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Refused(result.error);
}
