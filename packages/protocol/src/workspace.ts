import { z } from 'zod';
import { idSchema, timeSchema } from './id.ts';
import { limits } from './limits.ts';
import { titleSchema } from './session.ts';

export const workspaceSchema = z.object({
  id: idSchema,
  name: z.string(),
  /** Absolute and resolved, on the runner's machine. */
  path: z.string(),
  runnerId: idSchema,
  ownerId: idSchema,
  createdAt: timeSchema,
});
export type Workspace = z.infer<typeof workspaceSchema>;

export const createWorkspaceSchema = z.object({
  /** Absolute, or relative to the first allowed root. Made if it is not there. */
  path: z.string().min(1).max(limits.pathLength),
  name: titleSchema.optional(),
  /** The machine it lies on. Default: the first one, which is the server's own. */
  runnerId: idSchema.optional(),
});
export type CreateWorkspace = z.infer<typeof createWorkspaceSchema>;
