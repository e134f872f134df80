/** What a command was meant to do, for the line that says that it did not. */
import type { CommandType } from '@holdfast/protocol/command.ts';

const words: Record<CommandType, string> = {
  'message.send': 'Send the message',
  'turn.stop': 'Stop the turn',
  'queue.edit': 'Edit a queued message',
  'queue.remove': 'Remove a queued message',
  'mode.set': 'Change the mode',
  'model.set': 'Change the model',
  'approval.answer': 'Answer',
  'terminal.write': 'Write to the terminal',
  'terminal.resize': 'Resize the terminal',
  'terminal.record': 'Record the terminal',
  'driver.take': 'Take over the terminal',
  'driver.give': 'Hand the terminal back',
  'session.rename': 'Rename the session',
  'session.stop': 'End the session',
  'turn.resume': 'Resume the turn',
  'turn.discard': 'Discard the turn',
};

export const commandWords = (type: CommandType): string => words[type];
