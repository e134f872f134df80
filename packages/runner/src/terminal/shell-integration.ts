/** How a shell is started so that it marks prompt, command and output: by its own means, no file of the person's changes. */
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ShellStart {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const scripts = fileURLToPath(new URL('./shell-integration/', import.meta.url));

/** `file`: the program, absolute. One that is not known, or that was given arguments, is started as it was asked for. */
export function integratedStart(file: string, { args, env }: ShellStart): ShellStart {
  if (args.length > 0) return { args, env };
  switch (basename(file)) {
    case 'bash':
      return { args: ['--init-file', join(scripts, 'bash.bash')], env };
    case 'zsh':
      return { args, env: { ...env, ...ownZdotdir(env['ZDOTDIR']), ZDOTDIR: join(scripts, 'zsh') } };
    case 'fish':
      return { args: ['--init-command', `source ${quotedForFish(join(scripts, 'fish.fish'))}`], env };
    default:
      return { args, env };
  }
}

/** Given back, and this forgotten, before anything of the person's is read. */
function ownZdotdir(zdotdir: string | undefined): Record<string, string> {
  return zdotdir === undefined ? {} : { HOLDFAST_ZDOTDIR: zdotdir };
}

function quotedForFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
