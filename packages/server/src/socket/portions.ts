import { messageSize } from '@holdfast/link/message-size.ts';

/** Of one message, as messageSize() measures. On a line of 64 kbit/s it takes eight seconds. */
export const portionSize = 64 * 1024;

/**
 * Items in messages of bounded size, so that on a slow line something is heard all the time: a client hears a message
 * only when it is complete, and gives up a link on which it hears nothing (LINK8). One that is larger comes alone.
 */
export function portions<T>(items: readonly T[]): T[][] {
  const all: T[][] = [];
  let portion: T[] = [];
  let size = 0;
  for (const item of items) {
    const own = messageSize(item);
    if (portion.length > 0 && size + own > portionSize) {
      all.push(portion);
      portion = [];
      size = 0;
    }
    portion.push(item);
    size += own;
  }
  if (portion.length > 0) all.push(portion);
  return all;
}
