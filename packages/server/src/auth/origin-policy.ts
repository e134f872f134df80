/**
 * Which names of this server a browser may use (against DNS rebinding: a foreign name that points here), and from which
 * pages state may be changed with a cookie (against cross-site requests). Cookies do not know ports, so a page of
 * another port of the same machine is foreign.
 */
import { isIP } from 'node:net';

export interface OriginPolicy {
  /** What the server is bound to. */
  readonly host: string;
  /** Origin, or null. */
  readonly publicUrl: string | null;
}

const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);
const wildcards = new Set(['0.0.0.0', '::']);

/** header: as it came, with or without port. */
export function hostAllowed(policy: OriginPolicy, header: string | undefined): boolean {
  const name = parseHost(header)?.hostname;
  if (name === undefined) return false;
  if (loopback.has(name)) return true;
  if (name === bracketed(policy.host).toLowerCase()) return true;
  if (policy.publicUrl !== null && name === new URL(policy.publicUrl).hostname) return true;
  // Bound to every address: any of them may be meant, and a number cannot be pointed here by somebody's DNS.
  return wildcards.has(policy.host) && isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0;
}

/** The public origin, or the very origin the request went to, where loopback names are as good as each other. */
export function originAllowed(
  policy: OriginPolicy,
  origin: string | undefined,
  hostHeader: string | undefined,
): boolean {
  if (origin === undefined || !URL.canParse(origin)) return false;
  const from = new URL(origin);
  if (from.origin !== origin.toLowerCase() || from.origin === 'null') return false;
  if (from.origin === policy.publicUrl) return true;
  const to = parseHost(hostHeader, from.protocol);
  if (to === undefined || !hostAllowed(policy, hostHeader) || from.port !== to.port) return false;
  return from.hostname === to.hostname || (loopback.has(from.hostname) && loopback.has(to.hostname));
}

function parseHost(header: string | undefined, protocol = 'http:'): URL | undefined {
  if (header === undefined || !/^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(header)) return undefined;
  const text = `${protocol}//${header}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

function bracketed(host: string): string {
  return isIP(host) === 6 ? `[${host}]` : host;
}
