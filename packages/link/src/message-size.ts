/**
 * What a message takes, near enough to bound buffers: bytes of binary data, UTF-16 units of text, a few for the rest.
 * Written as JSON it takes at most six times as many bytes.
 */
export function messageSize(message: unknown): number {
  if (typeof message === 'string') return message.length + 2;
  if (typeof message !== 'object' || message === null) return 8;
  if (ArrayBuffer.isView(message)) return message.byteLength;
  let size = 2;
  for (const [name, value] of Object.entries(message)) size += name.length + 4 + messageSize(value);
  return size;
}
