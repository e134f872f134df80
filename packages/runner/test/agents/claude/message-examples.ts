/** Messages as Claude Code 2.1.329 writes them, shortened to what could matter. */
const session = { session_id: '54e4f81c-dc57-48ae-91f3-bf10344a1752' };
const usage = { input_tokens: 120, cache_creation_input_tokens: 5, cache_read_input_tokens: 7, output_tokens: 1 };

export const init = (sessionId: string = session.session_id): object => ({
  type: 'system',
  subtype: 'init',
  cwd: '/home/user/project',
  session_id: sessionId,
  model: 'claude-opus-5-5',
  permissionMode: 'default',
  uuid: '4532c304-91f9-4820-b653-eedbdda6070f',
});

export const streamEvent = (event: object, messageId = 'msg_1', parent: string | null = null): object => ({
  type: 'stream_event',
  event,
  ...session,
  parent_tool_use_id: parent,
  uuid: '91ef2f63-6c59-4a7b-98d7-082bcac4ea0a',
  api_message_id: messageId,
});

export const blockStart = (index: number, type: string): object =>
  streamEvent({ type: 'content_block_start', index, content_block: { type, text: '' } });

export const textDelta = (index: number, text: string): object =>
  streamEvent({ type: 'content_block_delta', index, delta: { type: 'text_delta', text } });

export const assistant = (
  content: object,
  extra: object = {},
  uuid = '7b21009e-db79-4689-9ca7-5990af7e9883',
): object => ({
  type: 'assistant',
  message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-opus-5-5', content: [content], usage },
  parent_tool_use_id: null,
  ...session,
  uuid,
  ...extra,
});

export const bash = {
  type: 'tool_use',
  id: 'toolu_1',
  name: 'Bash',
  input: { command: 'npm test\n', description: 'x' },
};

export const toolResult = (block: object, meta: object, structure: unknown = undefined): object => ({
  type: 'user',
  message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', ...block }] },
  parent_tool_use_id: null,
  ...session,
  uuid: '3fd1725a-ec26-4ab8-96a0-52c38743adfc',
  tool_use_result: structure,
  tool_result_meta: [{ id: 'toolu_1', ...meta }],
});

export const canUseTool = (tool = 'Bash', input: object = { command: 'npm test' }, agentId?: string): object => ({
  type: 'control_request',
  request_id: '64d4ca13-5642-424a-a285-c5e33b424363',
  request: {
    subtype: 'can_use_tool',
    tool_name: tool,
    display_name: tool,
    input,
    permission_suggestions: [{ type: 'setMode', mode: 'acceptEdits', destination: 'session' }],
    tool_use_id: 'toolu_1',
    ...(agentId === undefined ? {} : { agent_id: agentId }),
  },
});

export const cancel = {
  type: 'control_cancel_request',
  request_id: '64d4ca13-5642-424a-a285-c5e33b424363',
};

export const result = (fields: object): object => ({
  type: 'result',
  subtype: 'success',
  is_error: false,
  terminal_reason: 'completed',
  result: 'Hello world.',
  num_turns: 1,
  total_cost_usd: 0.5,
  usage,
  modelUsage: { 'claude-opus-5-5': { inputTokens: 420, costUSD: 0.5, contextWindow: 1_000_000 } },
  model_usage_since_last_result: { 'claude-opus-5-5': { inputTokens: 120, costUSD: 0.001 } },
  permission_denials: [],
  uuid: '8869f90b-3487-4667-85c6-fd35c9acc347',
  ...session,
  ...fields,
});

export const apiRetry = (error: string, status: number): object => ({
  type: 'system',
  subtype: 'api_retry',
  attempt: 1,
  max_retries: 10,
  retry_delay_ms: 609,
  error_status: status,
  error,
  ...session,
  uuid: '2bf859be-5fd7-4ffc-be91-01c639a9bd3e',
});

export const lifecycle = (uuid: string, state: string): object => ({
  type: 'command_lifecycle',
  command_uuid: uuid,
  state,
  uuid: 'e5cafb5c-44f3-42ad-b032-09a4a34a0617',
  ...session,
});

export const backgroundTasks = (tasks: Readonly<Record<string, string>>): object => ({
  type: 'system',
  subtype: 'background_tasks_changed',
  tasks: Object.entries(tasks).map(([id, description]) => ({ task_id: id, task_type: 'local_bash', description })),
  uuid: '31c2a406-b6a4-4369-aafc-b31ce240edd8',
  ...session,
});

export const taskEnded = (taskId: string, fields: object = {}): object => ({
  type: 'system',
  subtype: 'task_notification',
  task_id: taskId,
  tool_use_id: 'toolu_1',
  status: 'completed',
  output_file: '/tmp/tasks/b1.output',
  summary: 'Background command "build" completed (exit code 0)',
  uuid: '81e0e54a-6cd0-4e6d-998b-ba2a53521226',
  ...session,
  ...fields,
});
