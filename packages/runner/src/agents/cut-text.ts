/** What an agent or a tool says can be of any size; what travels is cut to head and tail (SPEC WIRE6). */
import type { CutText } from '@holdfast/protocol/fact.ts';
import { limits } from '@holdfast/protocol/limits.ts';

/** limit: UTF-8 bytes of the result, including the line that says what was left out. */
export function cutText(text: string, limit: number = limits.wireItem): CutText {
  const bytes = Buffer.byteLength(text);
  if (bytes <= limit) return { text, bytes, cut: false };
  const whole = Buffer.from(text);
  const gap = (left: number): string => `\n… ${left} bytes left out …\n`;
  const room = Math.max(0, limit - Buffer.byteLength(gap(bytes)));
  const headEnd = characterStart(whole, Math.ceil(room / 2));
  const tailStart = nextCharacterStart(whole, bytes - Math.floor(room / 2));
  const head = whole.toString('utf8', 0, headEnd);
  const tail = whole.toString('utf8', tailStart);
  return { text: head + gap(tailStart - headEnd) + tail, bytes, cut: true };
}

/** A tool's input with every text in it cut so that the whole is at most about `limit` bytes and 16 levels deep. */
export function cutInput(
  input: Readonly<Record<string, unknown>>,
  limit: number = limits.wireItem,
): Record<string, unknown> {
  return cutRecord(input, { left: limit }, 0);
}

/** It travels whole, so that what a person makes of it can take its place. */
export const isUncut = (input: Readonly<Record<string, unknown>>): boolean =>
  JSON.stringify(cutInput(input)) === JSON.stringify(input);

const deepest = 16;

function cutRecord(input: object, budget: { left: number }, depth: number): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(input)) {
    if (budget.left <= 0) break;
    budget.left -= Buffer.byteLength(key) + 8;
    result[key] = cutValue(value, budget, depth + 1);
  }
  return result;
}

function cutValue(value: unknown, budget: { left: number }, depth: number): unknown {
  if (typeof value === 'string') {
    const { text } = cutText(value, Math.max(64, budget.left));
    budget.left -= Buffer.byteLength(text);
    return text;
  }
  if (typeof value !== 'object' || value === null) {
    budget.left -= 8;
    return value;
  }
  if (depth >= deepest) return '…';
  if (!Array.isArray(value)) return cutRecord(value, budget, depth);
  const result: unknown[] = [];
  for (const item of value) {
    if (budget.left <= 0) break;
    result.push(cutValue(item, budget, depth + 1));
  }
  return result;
}

/** The start of the character that byte `at` belongs to. */
function characterStart(bytes: Buffer, at: number): number {
  let start = at;
  while (start > 0 && isContinuation(bytes[start])) start -= 1;
  return start;
}

function nextCharacterStart(bytes: Buffer, at: number): number {
  let start = at;
  while (start < bytes.length && isContinuation(bytes[start])) start += 1;
  return start;
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;
