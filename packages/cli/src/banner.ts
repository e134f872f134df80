/** What the terminal shows once the server can be used. */
import { networkInterfaces } from 'node:os';
import { renderUnicodeCompact } from 'uqr';

/** The address a phone could open, or null when only this machine can reach the server. */
export function reachableOrigin(host: string, port: number, publicUrl: string | null): string | null {
  if (publicUrl !== null) return publicUrl;
  if (host === 'localhost' || host === '::1' || host.startsWith('127.')) return null;
  if (host !== '0.0.0.0' && host !== '::') return originOf(host, port);
  const address = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find((one) => one.family === 'IPv4' && !one.internal)?.address;
  return address === undefined ? null : `http://${address}:${port}`;
}

/** IPv6 addresses stand in brackets in a URL. */
export function originOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** From this machine: a server on every address is also on the one that never leaves it. */
export function localOrigin(host: string, port: number): string {
  return originOf(host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host, port);
}

/** One line with the link; a QR code under it when a phone can reach it. */
export function banner(localOrigin: string, reachable: string | null, loginPath: string): string {
  const line = `Holdfast is ready: ${reachable ?? localOrigin}${loginPath}\n`;
  return reachable === null ? line : `${line}\n${renderUnicodeCompact(`${reachable}${loginPath}`)}\n`;
}
