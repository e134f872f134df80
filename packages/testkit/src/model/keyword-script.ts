/**
 * A model that does what a prompt's first keyword says, for tests that only have a prompt to steer with:
 *   say WORDS            streams these words, one chunk each
 *   think WORDS          thinks these words, then says "Thought."
 *   slow N               N chunks ("1 ", "2 ", …, at most 1000), 50 ms apart
 *   run COMMAND          the Bash tool
 *   behind COMMAND       the same in the background; its end is answered as "slow 1000"
 *   write FILE TEXT      the Write tool; a relative file is taken from the agent's working directory
 *   ask                  the AskUserQuestion tool: "Which colour?" Red or Blue
 *   plan STEPS           the EnterPlanMode tool, then ExitPlanMode with these as the plan
 *   fail                 error 400
 * A tool's result is answered with "Result: " and the result's text. Anything else is answered with "You said: …".
 */
import { isAbsolute, join } from 'node:path';
import type { Conversation } from './conversation.ts';
import { invalidRequest, says, text, thinking, uses, type Chunk, type Reply } from './reply.ts';

const mostChunks = 1_000;
/** Milliseconds. */
const slowPause = 50;

const words = (sentence: string): string[] => sentence.match(/\S+\s*/g) ?? [];

const workingDirectory = (system: string): string => /working directory: *(\S.*)/i.exec(system)?.[1]?.trim() ?? '/tmp';

function slowChunks(count: number): Chunk[] {
  return Array.from({ length: Math.min(Math.max(count, 1), mostChunks) }, (_, index) => ({
    text: `${index + 1} `,
    pause: slowPause,
  }));
}

export function keywordScript(conversation: Conversation): Reply {
  const { toolResults, userText } = conversation;
  if (toolResults.length > 0) {
    return says(text(...words(`Result: ${toolResults.map((result) => result.text).join('\n')}`)));
  }
  if (conversation.history.at(-1)?.text.includes('<task-notification>') === true)
    return says(text(...slowChunks(mostChunks)));
  const [, keyword, rest = ''] =
    /\b(say|think|slow|run|behind|write|ask|plan|fail)\b[ :]*([^\n]*)/.exec(userText) ?? [];
  switch (keyword) {
    case 'say':
      return says(text(...words(rest)));
    case 'think':
      return says(thinking(...words(rest)), 'Thought.');
    case 'slow':
      return says(text(...slowChunks(Number.parseInt(rest, 10) || 1)));
    case 'run':
      return says(uses('Bash', { command: rest.trim(), description: 'Run the command' }));
    case 'behind':
      return says(uses('Bash', { command: rest.trim(), description: 'the build', run_in_background: true }));
    case 'write': {
      const [, file = 'file.txt', content = ''] = /^(\S+) ?(.*)$/.exec(rest.trim()) ?? [];
      const path = isAbsolute(file) ? file : join(workingDirectory(conversation.system), file);
      return says(uses('Write', { file_path: path, content: `${content}\n` }));
    }
    case 'ask':
      return says(
        uses('AskUserQuestion', {
          questions: [
            {
              question: 'Which colour?',
              header: 'Colour',
              multiSelect: false,
              options: [
                { label: 'Red', description: 'Like a brick' },
                { label: 'Blue', description: 'Like the sea' },
              ],
            },
          ],
        }),
      );
    case 'plan':
      return says(uses('EnterPlanMode', {}), uses('ExitPlanMode', { plan: rest.trim() }));
    case 'fail':
      return invalidRequest('as you wished');
    default:
      return says(text(...words(`You said: ${userText}`)));
  }
}
