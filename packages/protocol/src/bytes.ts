import { z } from 'zod';

/** Binary data as it is; a Node Buffer is one too. */
export const bytesSchema = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'binary data expected');
