/** What a script needs to know of a request: read from the Messages API body, whose other fields do not matter here. */
export interface ToolResult {
  readonly toolUseId: string;
  readonly text: string;
  readonly isError: boolean;
}

export interface Conversation {
  readonly model: string;
  /** All system text, the system prompt first. */
  readonly system: string;
  readonly tools: readonly string[];
  /** What the person typed last; reminders that the agent adds are left out. */
  readonly userText: string;
  /** Results that came after the model's last message; empty when it is the person's turn that is answered. */
  readonly toolResults: readonly ToolResult[];
  /** Everything said so far, one entry per text, in order. */
  readonly history: readonly { readonly role: string; readonly text: string }[];
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isFields) : []);
const string = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Content is a string or blocks. */
const blocksOf = (content: unknown): Fields[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : list(content);

const textOf = (content: unknown): string =>
  blocksOf(content)
    .filter((block) => block['type'] === 'text')
    .map((block) => string(block['text']))
    .join('\n');

const isTyped = (words: string): boolean => !/^\s*<system-reminder>|^\[Request interrupted/.test(words);

export function readConversation(body: unknown): Conversation {
  const fields = isFields(body) ? body : {};
  const messages = list(fields['messages']);
  const history = messages.flatMap((message) =>
    blocksOf(message['content'])
      .filter((block) => block['type'] === 'text')
      .map((block) => ({ role: string(message['role']), text: string(block['text']) })),
  );
  const lastAnswer = messages.findLastIndex((message) => message['role'] === 'assistant');
  const toolResults = messages
    .slice(lastAnswer + 1)
    .flatMap((message) => (message['role'] === 'user' ? blocksOf(message['content']) : []))
    .filter((block) => block['type'] === 'tool_result')
    .map((block) => ({
      toolUseId: string(block['tool_use_id']),
      text: textOf(block['content']),
      isError: block['is_error'] === true,
    }));
  return {
    model: string(fields['model']),
    system: [
      textOf(fields['system']),
      ...history.filter((entry) => entry.role === 'system').map((entry) => entry.text),
    ].join('\n'),
    tools: list(fields['tools']).map((tool) => string(tool['name'])),
    userText: history.findLast((entry) => entry.role === 'user' && isTyped(entry.text))?.text ?? '',
    toolResults,
    history,
  };
}
