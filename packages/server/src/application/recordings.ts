/** Recordings of terminals lie on the machine of their session: listed there, and read through the server piece by piece. */
import { type Result, ok } from '@holdfast/protocol/error.ts';
import type { Recording } from '@holdfast/protocol/recording.ts';
import type { SessionRow } from '@holdfast/store/store.ts';
import type { Login, RecordingCalls } from './application.ts';
import type { RunnerLink } from './runner-link.ts';

export interface RecordingsOptions {
  /** Authorised. */
  readonly row: (login: Login, sessionId: string) => Promise<Result<SessionRow>>;
  readonly link: (runnerId: string) => Result<RunnerLink>;
}

export class Recordings implements RecordingCalls {
  readonly #options: RecordingsOptions;

  constructor(options: RecordingsOptions) {
    this.#options = options;
  }

  async list(login: Login, sessionId: string): Promise<Result<Recording[]>> {
    const link = await this.#linkOf(login, sessionId);
    if (!link.ok) return link;
    const answer = await link.value.ask({ type: 'recordings', sessionId });
    return answer.ok ? ok(answer.value.recordings) : answer;
  }

  async content(login: Login, sessionId: string, recordingId: string): Promise<Result<AsyncIterable<Uint8Array>>> {
    const link = await this.#linkOf(login, sessionId);
    if (!link.ok) return link;
    const key = { sessionId, recordingId };
    const first = await link.value.ask({ type: 'recordingRead', ...key, from: 0 });
    return first.ok ? ok(contentOf(link.value, key, first.value.data)) : first;
  }

  async remove(login: Login, sessionId: string, recordingId: string): Promise<Result<null>> {
    const link = await this.#linkOf(login, sessionId);
    if (!link.ok) return link;
    const answer = await link.value.ask({ type: 'recordingRemove', sessionId, recordingId });
    return answer.ok ? ok(null) : answer;
  }

  async #linkOf(login: Login, sessionId: string): Promise<Result<RunnerLink>> {
    const row = await this.#options.row(login, sessionId);
    return row.ok ? this.#options.link(row.value.runnerId) : row;
  }
}

/** Asked for piece by piece as it is taken. Throws when the machine goes, or the file does. */
async function* contentOf(
  link: RunnerLink,
  key: { sessionId: string; recordingId: string },
  first: Uint8Array,
): AsyncGenerator<Uint8Array> {
  let data = first;
  for (let from = 0; data.byteLength > 0;) {
    yield data;
    from += data.byteLength;
    const answer = await link.ask({ type: 'recordingRead', ...key, from });
    if (!answer.ok) throw new Error(`the recording broke off: ${answer.error.message}`);
    data = answer.value.data;
  }
}
