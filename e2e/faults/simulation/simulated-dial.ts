/** Stands in for link's Socket.IO: the client dials the network of the run that its URL names. */
import type { DialEvents, DialOptions, Dialled } from '@holdfast/link/dial.ts';

type Dial = (events: DialEvents, options: DialOptions) => Dialled;

const networks = new Map<string, Dial>();

export function answerDials(url: string, dial: Dial): () => void {
  networks.set(url, dial);
  return () => void networks.delete(url);
}

export function dial(options: DialOptions, events: DialEvents): Dialled {
  const network = networks.get(options.url);
  if (network === undefined) throw new Error(`no run answers to ${options.url}`);
  return network(events, options);
}
