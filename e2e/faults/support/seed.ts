/** How long and from which seed the fault tests run. */

/** HOLDFAST_SOAK=1: hours instead of minutes. */
export const soak = process.env['HOLDFAST_SOAK'] === '1';

/** HOLDFAST_SEED, else a fresh one in a soak and always the same one in npm test; each test tells it in its title. */
export function faultSeed(): number {
  const given = process.env['HOLDFAST_SEED'];
  if (given !== undefined) return Number(given);
  return soak ? Math.floor(Math.random() * 2 ** 31) : 1;
}

/** The seeded moment of a fault: not a wait for something, but the passing of time under load. */
export const moment = (ms: number): Promise<void> => new Promise((next) => setTimeout(next, ms));
