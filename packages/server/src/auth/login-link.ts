/** Logging in with a link that works once, as a better-auth plugin: it owns the session and the cookie. */
import { createHash } from 'node:crypto';
import type { BetterAuthPlugin } from 'better-auth';
import { createAuthEndpoint } from 'better-auth/api';
import { setSessionCookie } from 'better-auth/cookies';
import { z } from 'zod';

/** What is kept for a link; of its token only the hash is. */
export const loginLinkRecordSchema = z.object({
  userId: z.string(),
  /** Milliseconds since 1970; null: as long as the run it belongs to. */
  expiresAt: z.number().nullable(),
  /** Only the server run that made it takes it; null: any. */
  run: z.string().nullable(),
});
export type LoginLinkRecord = z.infer<typeof loginLinkRecordSchema>;

export function loginLinkIdentifier(token: string): string {
  return `login-link:${createHash('sha256').update(token).digest('base64url')}`;
}

export interface LoginLinkOptions {
  readonly run: string;
  readonly now: () => number;
}

export function loginLink({ run, now }: LoginLinkOptions) {
  return {
    id: 'login-link',
    endpoints: {
      /** Answers null for a token that is unknown, used, too old, or of another run. Sets the session cookie otherwise. */
      redeemLoginLink: createAuthEndpoint.serverOnly(
        { method: 'POST', body: z.object({ token: z.string() }), requireHeaders: true },
        async (context) => {
          const { internalAdapter } = context.context;
          // Taken out before it is looked at: two at once cannot both have it.
          const stored = await internalAdapter.consumeVerificationValue(loginLinkIdentifier(context.body.token));
          if (stored === null) return null;
          const record = loginLinkRecordSchema.parse(JSON.parse(stored.value));
          if (record.expiresAt !== null && record.expiresAt <= now()) return null;
          if (record.run !== null && record.run !== run) return null;
          const user = await internalAdapter.findUserById(record.userId);
          if (user === null) return null;
          const session = await internalAdapter.createSession(user.id);
          await setSessionCookie(context, { session, user });
          return { user, session };
        },
      ),
    },
  } satisfies BetterAuthPlugin;
}
