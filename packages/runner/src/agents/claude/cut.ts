/** Keeps what goes on the wire within its limit: head and tail of a long text, and of the long texts in a tool's input. */
import type { CutText } from '@holdfast/protocol/fact.ts';
import { limits } from '@holdfast/protocol/limits.ts';

/** Bytes kept back for the line that says how much was left out. */
const noteBytes = 64;

/** limit: bytes of UTF-8 that `text` may have. */
export function cutText(text: string, limit: number = limits.wireItem): CutText {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return { text, bytes, cut: false };
  const whole = Buffer.from(text);
  const kept = Math.max(0, limit - noteBytes);
  const head = endOfCharacter(whole, Math.ceil(kept / 2));
  const tail = startOfCharacter(whole, whole.length - Math.floor(kept / 2));
  const note = `\n… ${tail - head} bytes left out …\n`;
  return { text: `${whole.toString('utf8', 0, head)}${note}${whole.toString('utf8', tail)}`, bytes, cut: true };
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** The greatest character boundary not beyond `at`. */
function endOfCharacter(bytes: Buffer, at: number): number {
  while (at > 0 && isContinuation(bytes[at])) at -= 1;
  return at;
}

/** The smallest character boundary not before `at`. */
function startOfCharacter(bytes: Buffer, at: number): number {
  while (at < bytes.length && isContinuation(bytes[at])) at += 1;
  return at;
}

/** Bytes of one text in an input, tried in turn until the whole fits. */
const inputTextLimits = [32 * 1024, 4 * 1024, 512] as const;

/** The same input with its long texts cut, at most limits.wireItem as JSON. */
export function cutInput(input: Readonly<Record<string, unknown>>): Record<string, unknown> {
  if (jsonBytes(input) <= limits.wireItem) return { ...input };
  for (const limit of inputTextLimits) {
    const cut = Object.fromEntries(Object.entries(input).map(([name, value]) => [name, cutValue(value, limit)]));
    if (jsonBytes(cut) <= limits.wireItem) return cut;
  }
  return { json: cutText(JSON.stringify(input), limits.wireItem / 2).text };
}

const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

function cutValue(value: unknown, limit: number): unknown {
  if (typeof value === 'string') return cutText(value, limit).text;
  if (Array.isArray(value)) return value.map((item) => cutValue(item, limit));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, cutValue(item, limit)]));
  }
  return value;
}
