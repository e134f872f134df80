/**
 * What "allow for this session" holds on to: the tool; for a shell command exactly this command, for a fetch its host.
 * It is kept here and not in the agent, where it could not be taken back when the mode is lowered.
 */
export function sessionGrant(tool: string, input: Readonly<Record<string, unknown>>): string {
  const { command, url } = input;
  if (command !== undefined) return `${tool}(${typeof command === 'string' ? command : JSON.stringify(command)})`;
  return typeof url === 'string' ? `${tool}(${hostOf(url)})` : tool;
}

const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : url);
