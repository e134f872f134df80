/** For promises that only a bug can reject: makes it an uncaught error, where it is seen. */
export function unexpected(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
