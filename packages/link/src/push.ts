/** What the server pushes, parsed at the door. A push that does not fit is dropped: the log is read again by cursor. */
import { z } from 'zod';
import { type Fact, factSchema } from '@holdfast/protocol/fact.ts';
import { idSchema, offsetSchema, seqSchema } from '@holdfast/protocol/id.ts';
import { type Presence, presenceSchema } from '@holdfast/protocol/presence.ts';
import { type Screen, screenSchema } from '@holdfast/protocol/screen.ts';
import { type SessionDescriptor, sessionDescriptorSchema } from '@holdfast/protocol/session.ts';
import { type Preview, type SocketPushes, previewSchema } from '@holdfast/protocol/socket.ts';

/** A place in the log; fact is null where a newer server wrote a type this client does not know. */
export interface ReceivedFact {
  readonly seq: number;
  readonly fact: Fact | null;
}

export type Push =
  | { readonly type: 'facts'; readonly sessionId: string; readonly facts: readonly ReceivedFact[] }
  | { readonly type: 'synced'; readonly sessionId: string; readonly seq: number }
  | { readonly type: 'tty'; readonly sessionId: string; readonly offset: number; readonly data: Uint8Array }
  | { readonly type: 'screen'; readonly sessionId: string; readonly screen: Screen }
  | { readonly type: 'preview'; readonly sessionId: string; readonly preview: Preview }
  | { readonly type: 'presence'; readonly sessionId: string; readonly presence: Presence }
  | { readonly type: 'session'; readonly session: SessionDescriptor }
  | { readonly type: 'sessionDeleted'; readonly sessionId: string };

const session = z.object({ sessionId: idSchema });

const receivedFactSchema = z
  .object({ seq: seqSchema.min(1) })
  .loose()
  .transform((value): ReceivedFact => {
    const parsed = factSchema.safeParse(value);
    return { seq: value.seq, fact: parsed.success ? parsed.data : null };
  });

/** Browsers hand over ArrayBuffers, Node Buffers. */
const binarySchema = z
  .custom<ArrayBuffer | Uint8Array>((value) => value instanceof ArrayBuffer || value instanceof Uint8Array)
  .transform((value) =>
    value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.length),
  );

const pushSchemas = {
  facts: session.extend({ facts: z.array(receivedFactSchema) }).transform((push): Push => ({ type: 'facts', ...push })),
  synced: session.extend({ seq: seqSchema }).transform((push): Push => ({ type: 'synced', ...push })),
  tty: session
    .extend({ offset: offsetSchema, data: binarySchema })
    .transform((push): Push => ({ type: 'tty', ...push })),
  screen: session.extend({ screen: screenSchema }).transform((push): Push => ({ type: 'screen', ...push })),
  preview: session
    .extend(previewSchema.shape)
    .transform(({ sessionId, ...preview }): Push => ({ type: 'preview', sessionId, preview })),
  presence: session
    .extend(presenceSchema.shape)
    .transform(({ sessionId, ...presence }): Push => ({ type: 'presence', sessionId, presence })),
  session: z
    .object({ session: sessionDescriptorSchema })
    .transform((push): Push => ({ type: 'session', session: push.session })),
  sessionDeleted: session.transform((push): Push => ({ type: 'sessionDeleted', ...push })),
} as const satisfies Record<keyof SocketPushes, unknown>;

/** null: not a push of this protocol. */
export function parsePush(name: string, message: unknown): Push | null {
  if (!Object.hasOwn(pushSchemas, name)) return null;
  const parsed = pushSchemas[name as keyof typeof pushSchemas].safeParse(message);
  return parsed.success ? parsed.data : null;
}
