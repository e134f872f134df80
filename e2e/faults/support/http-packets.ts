/** Requests to every HTTP door: right, almost right and wrong. */
import type { Random } from '@holdfast/testkit/random.ts';
import { mutated, mutatedBytes, randomBytes } from './mutate.ts';

export interface FuzzTarget {
  readonly sessionId: string;
  readonly terminalId: string;
  readonly key: string;
}

export interface HttpPacket {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer | null;
}

export const strangeIds = ['x', '%00', '..%2f..', 'a'.repeat(64), 'a'.repeat(300), '%ff', 'null', '-1'];

export function httpPacket(random: Random, { sessionId, terminalId, key }: FuzzTarget): HttpPacket {
  const id = (): string => random.pick([sessionId, terminalId, sessionId, terminalId, ...strangeIds]);
  const value = (): string => encodeURIComponent(String(random.pick([0, 1, -1, 1e21, '', 'x', '1.5', '٣', 'null'])));
  const gone = random.pick(strangeIds);
  const upload = (): string => `/api/sessions/${id()}/uploads/${random.pick(['u1', 'u2', ...strangeIds])}`;
  const piece = randomBytes(300, random);
  const [method, path, body] = random.pick<() => [string, string, unknown?]>([
    () => ['GET', `/api/sessions?limit=${value()}&cursor=${value()}&status=${value()}&q=${value()}`],
    () => ['GET', `/api/sessions/${id()}`],
    () => ['GET', `/api/sessions/${id()}/events?after=${value()}&limit=${value()}&before=${value()}`],
    () => ['GET', `/api/sessions/${id()}/screen?format=${value()}`],
    () => ['GET', `/api/sessions/${id()}/output?from=${value()}`],
    () => ['GET', `/api/approvals?status=${value()}`],
    () => ['GET', `/${random.pick(strangeIds)}/${value()}?${value()}`],
    () => ['PATCH', `/api/sessions/${id()}`, { title: 'a title', pinned: true, archived: false }],
    () => ['DELETE', `/api/sessions/${gone}`],
    () => ['DELETE', `/api/workspaces/${gone}`],
    () => ['POST', '/api/workspaces', { path: '/etc', name: 'n' }],
    () => [
      'POST',
      '/api/sessions',
      { kind: 'terminal', workspaceId: 'none', title: 't', terminal: { cols: 80, rows: 24 } },
    ],
    () => ['POST', '/api/sessions', { kind: 'agent', workspaceId: 'none', agent: { provider: 'demo', mode: 'ask' } }],
    () => ['POST', `/api/sessions/${id()}/commands`, command(random)],
    () => ['POST', `/api/sessions/${id()}/commands`, command(random)],
    () => ['POST', `/api/approvals/${gone}/answer`, { id: 'a', decision: 'allow', scope: 'once', answers: { a: 'b' } }],
    () => ['POST', '/api/approvals/answer', { answers: [{ approvalId: gone, id: 'a', decision: 'deny' }] }],
    () => ['POST', '/api/login', { token: 'x' }],
    () => ['PUT', `${upload()}?name=${value()}&mediaType=text/plain&size=${value()}&offset=${value()}`, piece],
    () => ['PUT', `${upload()}?name=n&mediaType=text/plain&size=${random.integer(400)}&offset=0`, piece],
    () => [random.pick(['GET', 'DELETE']), upload()],
    () => ['GET', `${upload()}/content`],
    () => ['GET', `/api/sessions/${id()}/export?format=${random.pick(['json', 'markdown', value()])}`],
    () => ['GET', `/api/sessions/export?which=${value()}&format=${value()}`],
    () => ['GET', `/api/sessions/${id()}/${random.pick(['presence', 'input', 'parsed', 'recording.cast'])}`],
    () => [
      'POST',
      `/api/sessions/${id()}/${random.pick(['input', 'parsed'])}`,
      { offset: 1, data: 'eA==', inputId: 'i' },
    ],
    () => ['DELETE', `/api/approval-rules/${gone}`],
    () => ['GET', `/api/${random.pick(['approval-rules', 'limits', 'retention/preview', 'agents', 'runners', 'me'])}`],
    () => [random.pick(['PUT', 'OPTIONS', 'HEAD', 'TRACE']), `/api/sessions/${id()}`, {}],
  ])();
  const isBytes = Buffer.isBuffer(body);
  const bytes = isBytes
    ? body
    : body === undefined
      ? null
      : Buffer.from(JSON.stringify(mutated(body, random)) ?? 'null');
  return {
    method,
    path,
    headers: {
      authorization: `Bearer ${random.next() < 0.97 ? key : 'wrong'}`,
      'content-type':
        random.next() < 0.1
          ? random.pick(['text/plain', 'application/xml', 'x', ''])
          : isBytes
            ? 'application/octet-stream'
            : 'application/json',
      ...(random.next() < 0.05 ? { accept: 'text/event-stream', 'last-event-id': value() } : {}),
      ...(random.next() < 0.05 ? { 'idempotency-key': String(random.pick(strangeIds)) } : {}),
    },
    body: bytes === null ? null : random.next() < 0.2 ? mutatedBytes(bytes, random) : bytes,
  };
}

/** Of kinds that end nothing and start nothing that lasts. */
export function command(random: Random): object {
  const id = `fuzz-${random.integer(50)}`;
  return random.pick<object>([
    { id, type: 'message.send', text: 'ls' },
    { id, type: 'turn.stop' },
    { id, type: 'queue.edit', messageId: 'm', text: 'ls' },
    { id, type: 'queue.remove', messageId: 'm' },
    { id, type: 'mode.set', mode: 'ask' },
    { id, type: 'model.set', model: 'm' },
    { id, type: 'approval.answer', approvalId: 'a', answer: { decision: 'allow', answers: { a: 'b' } } },
    { id, type: 'terminal.resize', cols: 80, rows: 24 },
    { id, type: 'session.rename', title: 't' },
    { id, type: 'turn.resume' },
    { id, type: 'turn.discard' },
  ]);
}
