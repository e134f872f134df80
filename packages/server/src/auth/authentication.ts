/**
 * Who asks: one owner, who logs in with a one-time link (and then has a cookie) or with an API key. better-auth keeps
 * users, sessions and keys; the doors see only what is here. Its HTTP handler is not mounted: there is no sign-up.
 */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { apiKey } from '@better-auth/api-key';
import { fail, ok, type Result } from '@holdfast/protocol/error.ts';
import { betterAuth, type BetterAuthOptions } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import type { Logger } from 'pino';
import type { Login } from '../application/application.ts';
import { AttemptLimit } from './attempt-limit.ts';
import { deviceName } from './device-name.ts';
import { loginLink, loginLinkIdentifier, type LoginLinkRecord } from './login-link.ts';

/** What a request brings along. `address`: of the other end of the connection. */
export interface Credentials {
  readonly authorization?: string | undefined;
  readonly cookie?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly address: string;
}

/** A login and the name under which it can be told that it has ended. */
export interface VerifiedLogin extends Login {
  readonly loginId: string;
}

export interface LoginLink {
  readonly token: string;
  /** Path of the page with the token in its fragment, which browsers never send: "/login#token=…". */
  readonly path: string;
}

export interface Authentication {
  /** To print at start: good until it is used or this process stops, in this process only. */
  createStartLink(): Promise<LoginLink>;
  /** Good for 15 minutes, in every process of this data directory. expiresAt: ISO 8601. */
  createLoginLink(): Promise<LoginLink & { readonly expiresAt: string }>;
  /** setCookie: values of the Set-Cookie header. Errors: unauthenticated, rate_limited. */
  redeemLoginLink(token: string, from: Credentials): Promise<Result<{ login: VerifiedLogin; setCookie: string[] }>>;
  /** A key (`authorization: Bearer …`) is looked at alone, else the cookie. Errors: unauthenticated, rate_limited, unavailable. */
  login(from: Credentials): Promise<Result<VerifiedLogin>>;
  /** Prolongs a cookie session that is more than a day old: values of the Set-Cookie header, or none. */
  refresh(from: Credentials): Promise<string[]>;
  /** Ends the cookie's session. Answers what clears the cookie. */
  logout(from: Credentials): Promise<string[]>;
  /** The key, which cannot be read again. bad_request: the label is empty or longer than 200. */
  createKey(label: string): Promise<Result<string>>;
  /** Calls with the loginId of each login that ends in this process. Returns the unsubscribe function. */
  onEnded(listener: (loginId: string) => void): () => void;
  close(): void;
}

export interface AuthenticationOptions {
  /** A file of its own: another connection's open transaction on the same file would block this process. */
  readonly databasePath: string;
  /** 64 hexadecimal digits, see secret.ts. */
  readonly secret: string;
  /** Origin browsers use; https makes the cookie Secure. */
  readonly baseUrl: string;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** What the owner is called where several people could be meant. */
  readonly ownerName: string;
}

const ownerEmail = 'owner@holdfast.invalid';
const dayMs = 86_400_000;
const linkLifetimeMs = 15 * 60_000;
const keyPattern = /^hf_[A-Za-z0-9_-]{64}$/;
/** How long a key that was right needs no second look, and so how long a deleted one may still work. */
const keyMemoryMs = 5_000;
const rememberedKeys = 1_000;

/** unavailable: the database file cannot be opened or is none. */
export async function openAuthentication(options: AuthenticationOptions): Promise<Result<Authentication>> {
  const { databasePath, log } = options;
  let database: DatabaseSync | undefined;
  try {
    // SQLite gives the files beside it the same mode (OPS7).
    closeSync(openSync(databasePath, 'a', 0o600));
    database = new DatabaseSync(databasePath, { timeout: 2_000 });
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    const run = randomBytes(16).toString('hex');
    const authOptions = betterAuthOptions(options, database, run);
    // First: better-auth complains about missing tables as soon as it is made.
    await (await getMigrations(authOptions)).runMigrations();
    const auth = betterAuth(authOptions);
    const ownerId = await ensureOwner(auth, options.ownerName);
    return ok(new BetterAuthentication(options, database, auth, ownerId, run));
  } catch (error) {
    database?.close();
    log.error({ err: error, databasePath }, 'the login database cannot be opened');
    return fail('unavailable', `${databasePath} cannot be opened: ${(error as Error).message}`);
  }
}

function betterAuthOptions({ secret, baseUrl, log, now }: AuthenticationOptions, database: DatabaseSync, run: string) {
  return {
    appName: 'Holdfast',
    baseURL: baseUrl,
    secret,
    database,
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    user: { modelName: 'auth_user' },
    session: { modelName: 'auth_session', expiresIn: (30 * dayMs) / 1_000, updateAge: dayMs / 1_000 },
    account: { modelName: 'auth_account' },
    verification: { modelName: 'auth_verification' },
    advanced: {
      // Cookies do not know ports: two servers on one machine must not overwrite each other's.
      cookiePrefix: `holdfast-${createHash('sha256').update(secret).digest('hex').slice(0, 8)}`,
      defaultCookieAttributes: { httpOnly: true, sameSite: 'lax', path: '/' },
      ipAddress: { disableIpTracking: true },
    },
    plugins: [
      loginLink({ run, now }),
      apiKey({
        defaultPrefix: 'hf_',
        defaultKeyLength: 64,
        requireName: true,
        maximumNameLength: 200,
        rateLimit: { enabled: false },
        startingCharactersConfig: { shouldStore: false },
        schema: { apikey: { modelName: 'auth_key' } },
      }),
    ],
    logger: {
      level: 'warn',
      // A wrong key is no error of ours.
      log: (level, message) => log[message.startsWith('Failed to validate API key') ? 'debug' : level](message),
    },
  } satisfies BetterAuthOptions;
}
type Auth = ReturnType<typeof betterAuth<ReturnType<typeof betterAuthOptions>>>;

/** Two processes may do this at the same time; the address is unique. */
async function ensureOwner(auth: Auth, name: string): Promise<string> {
  const { internalAdapter } = await auth.$context;
  const found = await internalAdapter.findUserByEmail(ownerEmail);
  if (found !== null) return found.user.id;
  try {
    const owner = { email: ownerEmail, name, emailVerified: true };
    return (await internalAdapter.createUser(owner, { method: 'first-start' })).id;
  } catch (error) {
    const other = await internalAdapter.findUserByEmail(ownerEmail);
    if (other === null) throw error;
    return other.user.id;
  }
}

const notLoggedIn = fail('unauthenticated', 'Log in, or send a valid API key.');
const tryLater = (retryAfterMs: number) => fail('rate_limited', 'Too many wrong attempts. Wait.', { retryAfterMs });

class BetterAuthentication implements Authentication {
  readonly #database: DatabaseSync;
  readonly #auth: Auth;
  readonly #ownerId: string;
  readonly #run: string;
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #redemptions: AttemptLimit;
  readonly #wrongKeys: AttemptLimit;
  /** Keys that were right, by hash, oldest first: they need not wait behind somebody's guessing. */
  readonly #rightKeys = new Map<string, { login: VerifiedLogin; until: number }>();
  readonly #listeners = new Set<(loginId: string) => void>();

  constructor(options: AuthenticationOptions, database: DatabaseSync, auth: Auth, ownerId: string, run: string) {
    this.#database = database;
    this.#auth = auth;
    this.#ownerId = ownerId;
    this.#run = run;
    this.#log = options.log;
    this.#now = options.now;
    this.#redemptions = new AttemptLimit({ capacity: 10, refillMs: 6_000 }, options.now);
    this.#wrongKeys = new AttemptLimit({ capacity: 20, refillMs: 3_000 }, options.now);
  }

  async createStartLink(): Promise<LoginLink> {
    return this.#storeLink({ userId: this.#ownerId, expiresAt: null, run: this.#run });
  }

  async createLoginLink(): Promise<LoginLink & { expiresAt: string }> {
    const expiresAt = this.#now() + linkLifetimeMs;
    const link = await this.#storeLink({ userId: this.#ownerId, expiresAt, run: null });
    return { ...link, expiresAt: new Date(expiresAt).toISOString() };
  }

  async redeemLoginLink(
    token: string,
    from: Credentials,
  ): Promise<Result<{ login: VerifiedLogin; setCookie: string[] }>> {
    const wait = this.#redemptions.take(from.address);
    if (wait > 0) return tryLater(wait);
    const { response, headers } = await this.#auth.api.redeemLoginLink({
      body: { token },
      headers: headersOf(from),
      returnHeaders: true,
    });
    if (response === null) return fail('unauthenticated', 'This login link was used, is too old, or never was one.');
    const login = cookieLogin(response);
    this.#log.info({ loginId: login.loginId, device: login.device }, 'logged in by link');
    return ok({ login, setCookie: headers.getSetCookie() });
  }

  async login(from: Credentials): Promise<Result<VerifiedLogin>> {
    try {
      if (from.authorization !== undefined) return await this.#loginByKey(from.authorization, from.address);
      if (from.cookie === undefined) return notLoggedIn;
      const found = await this.#auth.api.getSession({ headers: headersOf(from), query: { disableRefresh: true } });
      return found === null ? notLoggedIn : ok(cookieLogin(found));
    } catch (error) {
      this.#log.error({ err: error }, 'a login could not be checked');
      return fail('unavailable', 'The login cannot be checked now.');
    }
  }

  async refresh(from: Credentials): Promise<string[]> {
    const { headers } = await this.#auth.api.getSession({ headers: headersOf(from), returnHeaders: true });
    return headers.getSetCookie();
  }

  async logout(from: Credentials): Promise<string[]> {
    const found = await this.#auth.api.getSession({ headers: headersOf(from), query: { disableRefresh: true } });
    const { headers } = await this.#auth.api.signOut({ headers: headersOf(from), returnHeaders: true });
    if (found !== null) for (const listener of [...this.#listeners]) listener(found.session.id);
    return headers.getSetCookie();
  }

  async createKey(label: string): Promise<Result<string>> {
    const name = label.trim();
    if (name === '' || name.length > 200) return fail('bad_request', 'A key needs a label of 1 to 200 characters.');
    const { key } = await this.#auth.api.createApiKey({ body: { userId: this.#ownerId, name } });
    return ok(key);
  }

  onEnded(listener: (loginId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#listeners.clear();
    this.#rightKeys.clear();
    this.#database.close();
  }

  async #storeLink(record: LoginLinkRecord): Promise<LoginLink> {
    const token = randomBytes(32).toString('base64url');
    const { internalAdapter } = await this.#auth.$context;
    await internalAdapter.createVerificationValue({
      identifier: loginLinkIdentifier(token),
      value: JSON.stringify(record),
      // When better-auth clears it away; the record says until when it is good.
      expiresAt: new Date(record.expiresAt ?? Date.now() + 365 * dayMs),
    });
    return { token, path: `/login#token=${token}` };
  }

  async #loginByKey(authorization: string, address: string): Promise<Result<VerifiedLogin>> {
    const key = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
    const wellFormed = keyPattern.test(key);
    const hash = wellFormed ? createHash('sha256').update(key).digest('base64url') : '';
    const known = this.#rightKeys.get(hash);
    if (known !== undefined && known.until > this.#now()) return ok(known.login);
    // Before anything costly: guessing must not cost the server more than the guesser.
    const wait = known === undefined ? this.#wrongKeys.waitMs(address) : 0;
    if (wait > 0) return tryLater(wait);
    const login = wellFormed ? await this.#verifyKey(key) : null;
    this.#rightKeys.delete(hash);
    if (login === null) {
      this.#wrongKeys.take(address);
      return notLoggedIn;
    }
    this.#remember(hash, login);
    return ok(login);
  }

  async #verifyKey(key: string): Promise<VerifiedLogin | null> {
    const { valid, key: found } = await this.#auth.api.verifyApiKey({ body: { key } });
    if (!valid || found === null) return null;
    const { internalAdapter } = await this.#auth.$context;
    const user = await internalAdapter.findUserById(found.referenceId);
    if (user === null) return null;
    return { userId: user.id, name: user.name, via: 'key', device: found.name ?? 'API key', loginId: found.id };
  }

  #remember(hash: string, login: VerifiedLogin): void {
    this.#rightKeys.set(hash, { login, until: this.#now() + keyMemoryMs });
    if (this.#rightKeys.size <= rememberedKeys) return;
    const [oldest] = this.#rightKeys.keys();
    if (oldest !== undefined) this.#rightKeys.delete(oldest);
  }
}

function cookieLogin(found: {
  user: { id: string; name: string };
  session: { id: string; userAgent?: string | null | undefined };
}): VerifiedLogin {
  const device = deviceName(found.session.userAgent ?? '');
  return { userId: found.user.id, name: found.user.name, via: 'cookie', device, loginId: found.session.id };
}

function headersOf(from: Credentials): Headers {
  const headers = new Headers();
  if (from.cookie !== undefined) headers.set('cookie', from.cookie);
  if (from.userAgent !== undefined) headers.set('user-agent', from.userAgent.slice(0, 500));
  return headers;
}
