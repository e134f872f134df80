/** All files chosen on this page, by session: they go on while another session is looked at. */
import type { HoldfastClient } from '@holdfast/link/client-interface.ts';
import type { RestClient } from '@holdfast/link/rest.ts';
import { systemClock } from '@holdfast/link/system-clock.ts';
import { startUpload } from '@holdfast/link/uploader.ts';
import type { SessionKind } from '@holdfast/protocol/session.ts';
import { makeId } from '#lib/state/connect.ts';
import { Attachments } from './attachments.svelte.ts';
import { keepFiles, readFiles } from './kept-files.ts';
import { asItIs, shrunk } from './shrink-image.ts';

export class PageUploads {
  readonly #rest: RestClient;
  readonly #sessions = new Map<string, Attachments>();

  constructor(rest: RestClient) {
    this.#rest = rest;
  }

  /** An agent looks at images; a shell gets files as they are. */
  of(sessionId: string, kind: SessionKind): Attachments {
    const known = this.#sessions.get(sessionId);
    if (known !== undefined) return known;
    const forAgent = kind === 'agent';
    const attachments = new Attachments({
      sessionId,
      makeId,
      prepare: (file) => (forAgent ? shrunk(file) : Promise.resolve(asItIs(file))),
      upload: (file) => startUpload(file, { rest: this.#rest, clock: systemClock, random: Math.random }),
      kept: forAgent ? readFiles(sessionId) : [],
      keep: (complete) => {
        if (forAgent) keepFiles(sessionId, complete);
      },
    });
    this.#sessions.set(sessionId, attachments);
    return attachments;
  }

  /** Some would be lost with the page. */
  get underway(): boolean {
    return [...this.#sessions.values()].some((attachments) => attachments.underway);
  }

  /** What waits for the network tries again when it is back. Returns the function that ends it. */
  follow({ connection }: Pick<HoldfastClient, 'connection'>): () => void {
    return connection.subscribe(({ status }) => {
      if (status === 'live') for (const attachments of this.#sessions.values()) attachments.wake();
    });
  }
}
